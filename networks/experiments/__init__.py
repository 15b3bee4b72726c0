"""Experiments with trained networks: one function each, from a setting to a labelled Dataset.

Each has defaults that finish in minutes on two cores, and ``full=True`` for the large version. Figures of
the same names draw what they return.
"""
