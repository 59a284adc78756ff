"""Many roads, one number: the learning coefficient of one problem by proof, published formula, volume and posterior, side by side."""
