# SPDX-License-Identifier: Apache-2.0

"""Trove's API, and the objects of Trove's backups in Swift.

karbor_trove.backups decides which backups are created or deleted, and
karbor_trove.bank stores data. This package does neither.
"""
