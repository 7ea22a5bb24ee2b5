# SPDX-License-Identifier: Apache-2.0

"""The commands of both applications, one module for each subject.

The applications are karbor-trove-manage and karbor-trove-status. Code that
several subjects need, such as the banks and the clients, is in cmd/.
"""
