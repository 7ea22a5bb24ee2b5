# SPDX-License-Identifier: Apache-2.0

"""Karbor's operations protect, restore, verify and delete.

Other packages do most of the work: preflight/ checks a whole operation before
anything is created. backups/ creates and deletes backups. verification/ checks
backups. bank/ stores the results.
"""
