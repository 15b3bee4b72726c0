"""Sweeps as values: the grid, the tasks it expands to, who performs them, and where results are kept."""
