"""Turns remembered, so that a later one can go on where an earlier one ended."""
