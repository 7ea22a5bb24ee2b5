# SPDX-License-Identifier: Apache-2.0

"""Everything that the plugins store in Karbor's bank.

Decisions about backups and instances are in the packages that import this one.
"""
