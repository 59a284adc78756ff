"""Figures: one file per kind; arrays in, matplotlib Axes out."""
