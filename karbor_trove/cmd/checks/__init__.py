# SPDX-License-Identifier: Apache-2.0

"""Checks of an installation, a file per subject.

Each check yields findings. The check of the banks writes an object to a bank
and deletes the object again. Apart from this object, no check changes
anything.
"""
