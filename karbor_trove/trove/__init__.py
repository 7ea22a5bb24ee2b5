# SPDX-License-Identifier: Apache-2.0

"""Requests to Trove's API, and to Swift for the objects of Trove's backups.

Other packages decide what is requested. karbor_trove.backups decides which
backups are created or deleted. karbor_trove.bank stores data in the bank.
"""
