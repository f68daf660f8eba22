"""Databases, migrations, secrets and shared counters. Knows no word of our trade."""
