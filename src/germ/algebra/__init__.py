"""Exact real algebraic geometry of germs: polynomials, ideals, Newton polyhedra, blow-ups, jets, certificates.

No floats and no torch in this folder: int, Fraction and flint numbers only.
"""
