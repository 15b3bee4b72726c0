"""Prints the instructions that numpy would choose on this processor beyond those it always uses.

``make test-portable`` switches them off by NPY_DISABLE_CPU_FEATURES, which takes no name of another
processor's.
"""

try:
    from numpy._core import _multiarray_umath as umath
except ImportError:  # numpy 1
    from numpy.core import _multiarray_umath as umath

print(*(name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]))  # noqa: T201 - to make
