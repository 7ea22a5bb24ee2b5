# SPDX-License-Identifier: Apache-2.0

"""The three levels of a verification: backup, data and restore.

The operation that runs these levels is operations/verify.py. The results are
stored by bank/verification_results.py.
"""
