"""Plain REST for scripts: a question in, an answer out."""
