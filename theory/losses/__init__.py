"""Losses: every module of this folder is imported, and its public classes are re-exported.

A new loss is a new file here, and nothing else: the solver, the simulator, the contract tests and
the command line find it.
"""

from twinpeaks.theory.discovery import public

globals().update(public(__name__, __path__))
