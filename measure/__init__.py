"""Mean dimension, influences and degrees of any function."""
