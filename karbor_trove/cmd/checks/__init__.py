# SPDX-License-Identifier: Apache-2.0

"""Checks of an installation of karbor-trove, one module for each subject.

The command `upgrade check` runs all checks. Each check yields findings. Only
the check of the banks changes something: it writes an object to a bank, and
deletes the object again.
"""
