# SPDX-License-Identifier: Apache-2.0

"""Backups in Trove: their chains, creation, adoption and deletion.

What the bank stores about backups is in karbor_trove.bank.
"""
