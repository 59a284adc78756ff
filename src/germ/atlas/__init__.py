"""Published learning coefficients as data with source and reliability, formulas, and their verifier."""
