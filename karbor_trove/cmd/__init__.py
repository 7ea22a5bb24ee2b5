# SPDX-License-Identifier: Apache-2.0

"""The command lines karbor-trove-manage and karbor-trove-status.

The package cmd/commands/ carries out the commands of both. The package
cmd/checks/ has the checks of the command "karbor-trove-status upgrade check".
"""
