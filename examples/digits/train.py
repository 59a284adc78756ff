"""Train the network of model.py and write digits.safetensors beside this file: `python examples/digits/train.py`."""

import argparse
from pathlib import Path

import torch
from model import load_training_data, make_network
from safetensors.torch import save_file
from torch import nn

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--steps", type=int, default=600)
parser.add_argument("--out", type=Path, default=Path(__file__).parent / "digits.safetensors")
arguments = parser.parse_args()

torch.manual_seed(0)
network = make_network()
x, y = load_training_data()
optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
for _ in range(arguments.steps):
    chosen = torch.randint(len(x), (64,))
    optimizer.zero_grad()
    nn.functional.cross_entropy(network(x[chosen]), y[chosen]).backward()
    optimizer.step()
with torch.no_grad():
    outputs = network(x)
accuracy = (outputs.argmax(1) == y).double().mean()
save_file(network.state_dict(), arguments.out)
print(f"training loss {nn.functional.cross_entropy(outputs, y):.4f} nats, accuracy {accuracy:.1%}; written: {arguments.out}")
