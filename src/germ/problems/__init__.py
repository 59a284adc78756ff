"""The problem zoo: statistical model + truth + prior, one singular family per file."""
