# SPDX-License-Identifier: Apache-2.0

"""The command line karbor-trove-manage: the application and its helpers.

The commands themselves are in cmd/commands/.
"""
