# SPDX-License-Identifier: Apache-2.0

"""The command line karbor-trove-manage: the application and its helpers.

The work of the commands is in cmd/commands/.
"""
