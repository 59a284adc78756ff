"""Entropy, divergences, Fisher information, codes and stochastic complexity (numpy only)."""
