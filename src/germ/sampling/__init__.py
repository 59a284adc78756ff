"""Sampling the localised tempered posterior: kernels as sums of parts, one driver, traces, diagnostics (torch from here up)."""
