# SPDX-License-Identifier: Apache-2.0

"""The parameters of users: published schemas, allowed values and parsing.

The options of the operator are in karbor_trove.options.
"""
