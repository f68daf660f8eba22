"""Features of a turn -> Route. A pure decision: which release, how deep, why. No I/O, no clock, no randomness."""
