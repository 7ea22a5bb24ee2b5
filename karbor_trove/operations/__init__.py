# SPDX-License-Identifier: Apache-2.0

"""The four operations that Karbor runs: protect, restore, verify, delete.

What they use is elsewhere: backups/ creates and deletes backups, verification/
tests them, and bank/ stores the results.
"""
