# SPDX-License-Identifier: Apache-2.0

"""Storage of the plugins' data in Karbor's bank.

This package reads, writes and deletes objects in the bank. The packages that
import this package decide which backups and instances are created or deleted.
"""
