"""Timings with their accuracy; run by `make bench`."""
