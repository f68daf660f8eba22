"""The path of a turn, written out in order; one file a stage."""
