"""Benchmarks: each module measures one thing, prints rows and writes `results/NAME.json`. See docs/benchmarks.md."""
