# SPDX-License-Identifier: Apache-2.0

"""Backups in Trove: their chains, creation, adoption and deletion.

The package karbor_trove.bank stores the data about these backups.
"""
