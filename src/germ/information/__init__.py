"""Entropy, divergences, Fisher information, codes, stochastic complexity, and the entropy of physics. Everything is in nats.

Bits are converted at the edge (`germ.units`). Nothing here knows of singularities; it is the language in which the rest states what a
model learns: the Kullback-Leibler divergence K, its Hessian (the Fisher information), and the code length that free energy measures.
"""
