"""Published learning coefficients: data with source and reliability, formulas, and checks that re-derive them.

One TOML file a family (`families/`) says what the family is and how far its formula can be trusted; `formulas/` has the closed forms as
exact functions; `compute_value` joins both to a claim; `verify` re-derives what can be re-derived. Conventions: λ and m belong to the
Kullback-Leibler divergence K; for an ideal, K is the sum of squares of its generators.
"""

from germ.atlas.family import Family, list_families, load_family, read_family
from germ.atlas.value import compute_value

__all__ = ["Family", "compute_value", "list_families", "load_family", "read_family"]
