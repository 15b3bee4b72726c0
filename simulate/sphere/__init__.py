"""Regression on the sphere at finite size: kernels averaged exactly, sparse features, descent."""
