"""Journal, index, checkpoints, usage and metrics: everything kept about turns, and every way to look back at it."""
