"""The saddle-point equations and their solution on a grid."""
