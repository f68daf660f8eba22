"""Checks, policies and labels: what an answer must carry and what must not pass."""
