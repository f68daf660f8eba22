"""Anthropic's Messages API: its requests as Turns, answers as its messages and events."""
