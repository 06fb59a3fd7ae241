"""The engines under the metrics: kernels on plain arrays.

numba is imported only when a job is large enough.
"""
