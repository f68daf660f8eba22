"""What routing was worth, and the dial for a target: proof, promise, tuning, the report and its picture. Pure functions of outcomes."""
