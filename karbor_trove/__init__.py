# SPDX-License-Identifier: Apache-2.0

"""Karbor plugins that protect databases of Trove.

It uses the backups of Trove. It has neither a backup format nor a service.
"""
