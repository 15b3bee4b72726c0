"""Feature laws: every module of this folder is imported, and its public classes are re-exported.

A new law is a new file here, and nothing else.
"""

from twinpeaks.theory.discovery import public

globals().update(public(__name__, __path__))
