# SPDX-License-Identifier: Apache-2.0

"""Bank plugins for Swift and for a file system.

The two plugins extend Karbor's own bank plugins. They store the same data as
Karbor's plugins, and have the same options. In addition, both plugins return
sorted lists. The plugin for Swift has time limits for requests. The plugin for
a file system writes each object atomically.
"""
