"""Answers given before, to be given again to the same tenant: exact and by meaning."""
