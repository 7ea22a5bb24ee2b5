# SPDX-License-Identifier: Apache-2.0

"""Checks of a protect or restore operation before anything is created.

The same checks precede the test restores of a verification. The checks of
existing backups are in karbor_trove.verification.
"""
