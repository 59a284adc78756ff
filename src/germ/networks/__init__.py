"""Geometry of the parameters of small networks: which give one function, how these hang together, how near smaller networks are."""
