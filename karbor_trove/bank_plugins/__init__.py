# SPDX-License-Identifier: Apache-2.0

"""Bank plugins for Swift and for a file system, without Karbor's faults.

The two plugins extend Karbor's own bank plugins. Both store the same data and
have the same options as Karbor's plugins.
"""
