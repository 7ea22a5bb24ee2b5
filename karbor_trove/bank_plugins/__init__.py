# SPDX-License-Identifier: Apache-2.0

"""Bank plugins for Swift and for a file system.

The two plugins extend Karbor's own bank plugins, store the same data and have
the same options. In addition, both return lists in order. The plugin for Swift
has time limits, and the plugin for a file system writes atomically.
"""
