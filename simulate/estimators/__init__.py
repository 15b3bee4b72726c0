"""What is measured on a function or a trained network, each with its standard error, in one pass."""
