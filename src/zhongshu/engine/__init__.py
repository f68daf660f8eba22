"""Local inference: each loaded model in a supervised process of its own. Knows models and processes, not turns."""
