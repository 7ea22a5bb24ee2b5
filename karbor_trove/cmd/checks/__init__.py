# SPDX-License-Identifier: Apache-2.0

"""Checks of an installation, a file per subject.

Each check yields findings and changes nothing.
"""
