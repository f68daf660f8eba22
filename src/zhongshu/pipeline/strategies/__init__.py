"""Strategies of assistants, one file each: several calls that come to one answer."""
