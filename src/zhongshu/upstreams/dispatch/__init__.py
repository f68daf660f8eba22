"""Asking until one answers: which replica, how often, whom then."""
