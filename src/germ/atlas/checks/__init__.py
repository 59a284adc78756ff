"""Checks by subject, and the tuple of all of them."""

from germ.atlas.checks import arrangements, bounds, engine, integrals, linear, monomials, values, vandermonde

CHECKS = (
    *values.CHECKS, *linear.CHECKS, *monomials.CHECKS, *vandermonde.CHECKS, *arrangements.CHECKS, *bounds.CHECKS, *integrals.CHECKS,
    *engine.CHECKS,
)  # fmt: skip
