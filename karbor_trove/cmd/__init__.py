# SPDX-License-Identifier: Apache-2.0

"""The command line karbor-trove-manage: the application and its helpers.

The package cmd/commands/ carries out the commands.
"""
