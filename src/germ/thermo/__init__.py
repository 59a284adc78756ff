"""Density of states, volume scaling, heat capacity, phases."""
