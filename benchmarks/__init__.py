"""Benchmarks of germ: each prints a table; ratios are measured against a floor or a peer in the same run."""
