# SPDX-License-Identifier: Apache-2.0

"""Parameters that users pass: published schemas, allowed values, parsing.

The options of the operator are in karbor_trove.options.
"""
