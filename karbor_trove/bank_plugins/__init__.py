# SPDX-License-Identifier: Apache-2.0

"""Bank plugins: Karbor's banks in Swift and in a file system, mended.

Both store the same data and have the same options as Karbor's own plugins.
"""
