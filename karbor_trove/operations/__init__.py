# SPDX-License-Identifier: Apache-2.0

"""Karbor's operations protect, restore, verify and delete.

Other packages do most of the work: preflight/ checks a whole operation before
it creates anything, backups/ creates and deletes backups, verification/ checks
backups, and bank/ stores the results.
"""
