# SPDX-License-Identifier: Apache-2.0

"""Karbor plugins that protect databases of Trove.

The plugins use the backups of Trove. The package has neither a backup format
nor a service of its own.
"""
