"""The saddle-point equations derived: the free entropy in sympy, and what its derivatives become.

    notation.py    the symbols
    functions.py   ln Z, f, Z_*, R and g, with their rules of differentiation
    averages.py    <.> over the spectrum and E over patterns, and Stein's lemma
    components.py  losses, teachers and feature laws as expressions
    equations.py   FreeEntropy: phi, its zero-temperature limit, the saddle point, observables
    rendering.py   text and LaTeX

``twinpeaks.theory.derivation.free_entropy`` is the way in. Only this package and its users load sympy.
"""
