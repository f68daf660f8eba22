"""A faithful upstream that does what a script says: for tests, benchmarks, and for trying things without an account."""
