# SPDX-License-Identifier: Apache-2.0

"""Trove's API, and the objects of Trove's backups in Swift.

This package does not decide which backups are created or deleted. The package
backups does. This package stores nothing. The package bank does.
"""
