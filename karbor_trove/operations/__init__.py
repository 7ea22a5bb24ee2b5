# SPDX-License-Identifier: Apache-2.0

"""The four operations that Karbor runs: protect, restore, verify, delete.

Other packages do the work of the operations: backups/ creates and deletes
backups, verification/ tests backups, and bank/ stores the results.
"""
