"""Quadrature, piecewise polynomials and extrema: no physics."""
