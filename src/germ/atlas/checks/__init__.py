"""Checks by subject, and the tuple of all of them."""

from germ.atlas.checks import linear, values

CHECKS = (*values.CHECKS, *linear.CHECKS)
