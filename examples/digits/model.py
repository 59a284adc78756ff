"""A network for scikit-learn's digits. `germ llc` looks for this module beside the run file."""

import torch
from torch import nn


def make_network(hidden: int = 32) -> nn.Module:
    """64 pixels, one layer of tanh units, ten classes."""
    return nn.Sequential(nn.Linear(64, hidden), nn.Tanh(), nn.Linear(hidden, 10))


def load_training_data() -> tuple[torch.Tensor, torch.Tensor]:
    """1,437 images of 8 × 8 pixels in [0, 1], and their digits: the samples that the network was trained on."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[360:]
    return torch.tensor(x / 16, dtype=torch.float32)[order], torch.tensor(y)[order]
