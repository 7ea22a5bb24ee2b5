# SPDX-License-Identifier: Apache-2.0

"""Checks of a whole checkpoint or restore before anything is created.

The checks of backups that exist already are in karbor_trove.verification.
"""
