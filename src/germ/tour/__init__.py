"""`germ tour`: what germ does, shown in two minutes on one page.

Each section is a function `make_…(effort, seed) -> Section` that computes something and writes down what it found, with figures, as HTML.
Sentences that depend on a number are built from the number. `page` puts sections on one self-contained page.
"""
