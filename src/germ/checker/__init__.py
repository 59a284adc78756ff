"""The independent checker of certificates: polynomial arithmetic, evidence, steps. It shares no code with the engine that writes them.

A certificate is a proof of (λ, m) as a tree of steps; `docs/certificates.md` is its specification. Checking one takes no search: only
substitution, multiplication, comparison of coefficients and Sturm sequences, on polynomials with Fraction coefficients.
"""
