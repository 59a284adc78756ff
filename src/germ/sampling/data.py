"""A data set as tensors: read once, indexed in one operation for all chains.

Collating samples one by one costs more than a small network's forward and backward pass together, so a data set is read once,
into a tree of tensors (`Tree`: tuples, lists, dicts, nested) whose tensors share their first dimension n, and a batch is one
`index_select` per tensor. n is the number of samples in the data set, whatever a loader does with its order or its last batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils import data as torch_data
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from germ.errors import DataError

# A data set is copied to the model's accelerator if it takes at most this share of the memory that is free there;
# larger ones stay where they are and batches travel.
_RESIDENT_SHARE = 0.25


@dataclass(frozen=True)
class Samples:
    """A data set of n samples.

    Args:
        leaves: The tensors of the tree, each with first dimension n.
        structure: How the leaves make up a batch.
        size: n.
        device: Where batches are delivered.
    """

    leaves: tuple[Tensor, ...]
    structure: TreeSpec
    size: int
    device: torch.device

    @property
    def resident(self) -> bool:
        """Whether the data live on the device where they are used."""
        return all(leaf.device == self.device for leaf in self.leaves)

    def batch(self, leaves: tuple[Tensor, ...] | list[Tensor]) -> Any:
        """Put leaves back into the structure that the loss expects."""
        return tree_unflatten(list(leaves), self.structure)

    def take(self, indices: Tensor) -> tuple[Tensor, ...]:
        """The leaves of the samples `indices`, which may have any shape; it replaces the first dimension."""
        flat = indices.reshape(-1)
        return tuple(
            leaf.index_select(0, flat.to(leaf.device)).view(*indices.shape, *leaf.shape[1:]).to(self.device) for leaf in self.leaves
        )

    def slice(self, start: int, stop: int) -> tuple[Tensor, ...]:
        """The leaves of samples start, ..., stop - 1, without a copy where the data are resident."""
        return tuple(leaf[start:stop].to(self.device) for leaf in self.leaves)


def read_data(data: Any, device: torch.device) -> Samples:
    """Read a data set into tensors.

    Args:
        data: A tensor, a tuple, list or dict of tensors (nested as you like) with a common first dimension, a map-style `Dataset`, or a
            `DataLoader` over one, of which the data set, the collation and a subset sampler are used; its order and batch size are not.
        device: Where the model lives. Data are copied there if they fit into a quarter of its free memory, else batch by batch.

    Returns:
        The samples. A batch has the structure that the data have, or that the loader would yield.

    Raises:
        DataError: If the data have fewer than two samples, cannot be indexed, or hold something other than tensors.
    """
    tree = _tree_of(data)
    leaves, structure = tree_flatten(_plain(tree))
    if not leaves:
        raise DataError(
            f"got {type(data).__name__} without any tensor", "at least one tensor of samples", "pass e.g. data=(inputs, targets)"
        )
    tensors = tuple(_tensor_of(leaf) for leaf in leaves)
    sizes = {leaf.shape[0] for leaf in tensors}
    if len(sizes) > 1:
        shapes = ", ".join(str(tuple(leaf.shape)) for leaf in tensors)
        raise DataError(
            f"got tensors of shapes {shapes}", "the same number of samples (first dimension) in each", "check how they were cut"
        )
    size = sizes.pop()
    if size < 2:
        raise DataError(
            f"got {'an empty data set' if size == 0 else 'a data set of one sample'}",
            "at least two samples: the learning coefficient is estimated at nβ = n / log n, which needs n ≥ 2",
            "pass the training set, not one batch element",
        )
    if device.type == "cuda" and sum(leaf.nbytes for leaf in tensors) > _RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]:
        return Samples(tensors, structure, size, device)
    return Samples(tuple(leaf.to(device) for leaf in tensors), structure, size, device)


def _tree_of(data: Any) -> Any:
    if isinstance(data, torch_data.DataLoader):
        return _tree_of_loader(data)
    if isinstance(data, torch_data.Dataset):
        return _tree_of_dataset(data, None, None)
    if hasattr(data, "__next__"):
        raise DataError(
            f"got an iterator ({type(data).__name__})", "data that can be indexed", "collect it: data = next(iter), or a Dataset"
        )
    return data


def _tree_of_loader(loader: torch_data.DataLoader) -> Any:
    dataset = loader.dataset
    if isinstance(dataset, torch_data.IterableDataset):
        _refuse_stream(dataset)
    if loader.batch_sampler is None or type(loader.batch_sampler) is not torch_data.BatchSampler:
        raise DataError(
            f"got a DataLoader with {'batch_size=None' if loader.batch_sampler is None else type(loader.batch_sampler).__name__}",
            "a DataLoader that batches single samples by itself",
            "pass data=loader.dataset, whose items are single samples",
        )
    sampler = loader.sampler
    chosen = None
    if isinstance(sampler, torch_data.SubsetRandomSampler):
        chosen = [int(i) for i in sampler.indices]
    elif not isinstance(sampler, (torch_data.RandomSampler, torch_data.SequentialSampler)):
        raise DataError(
            f"got a DataLoader with sampler {type(sampler).__name__}",
            "one that visits each sample once an epoch (sequential, random, subset)",
            "the posterior belongs to a data set: pass data=loader.dataset, or a torch.utils.data.Subset of it",
        )
    collate = None if loader.collate_fn is torch_data.default_collate else loader.collate_fn
    return _tree_of_dataset(dataset, chosen, collate)


def _tree_of_dataset(dataset: Any, chosen: list[int] | None, collate: Callable[[list[Any]], Any] | None) -> Any:
    if isinstance(dataset, torch_data.IterableDataset):
        _refuse_stream(dataset)
    if not hasattr(dataset, "__len__"):
        raise DataError(
            f"got a {type(dataset).__name__} without a length", "a map-style Dataset with __len__", "add __len__, or pass tensors"
        )
    if collate is None and isinstance(dataset, torch_data.TensorDataset):
        # The same list of tensors that collation would build, without a Python step per sample.
        return [leaf if chosen is None else leaf[torch.tensor(chosen)] for leaf in dataset.tensors]
    if collate is None and isinstance(dataset, torch_data.Subset) and isinstance(dataset.dataset, torch_data.TensorDataset):
        inner = list(dataset.indices) if chosen is None else [dataset.indices[i] for i in chosen]
        return _tree_of_dataset(dataset.dataset, [int(i) for i in inner], None)
    count = len(dataset)
    if count == 0:
        raise DataError("got an empty data set", "at least two samples", "pass the training set")
    items = [dataset[i] for i in (range(count) if chosen is None else chosen)]
    try:
        return (collate or torch_data.default_collate)(items)
    except (RuntimeError, TypeError, ValueError) as error:
        raise DataError(
            f"the samples could not be put into one batch: {error}",
            "samples of one shape (pad sequences to one length)",
            "pass a DataLoader with the collate_fn that pads, or tensors",
        ) from error


def _refuse_stream(dataset: Any) -> None:
    raise DataError(
        f"got an IterableDataset ({type(dataset).__name__})",
        "a data set with a fixed length and order of access: n enters the estimate, and batches are drawn by index",
        "collect the samples into tensors, e.g. data = next(iter(DataLoader(dataset, batch_size=n)))",
    )


def _plain(tree: Any) -> Any:
    """Mappings that torch's trees do not know (a tokenizer's BatchEncoding) become dicts."""
    if isinstance(tree, Mapping):
        return {key: _plain(value) for key, value in tree.items()}
    if type(tree) is tuple or type(tree) is list:
        return type(tree)(_plain(value) for value in tree)
    return tree


def _tensor_of(leaf: Any) -> Tensor:
    if isinstance(leaf, np.ndarray) and leaf.dtype != object:
        leaf = torch.from_numpy(np.ascontiguousarray(leaf))
    if not isinstance(leaf, Tensor):
        raise DataError(
            f"the data hold a {type(leaf).__name__}: {str(leaf)[:60]!r}",
            "tensors (or NumPy arrays) only, with the samples along the first dimension",
            "drop it from the batch, or turn it into a tensor",
        )
    if leaf.is_meta:
        raise DataError("the data are on the meta device: they have no values", "tensors with values", "load the data")
    if leaf.dim() == 0:
        raise DataError(
            f"the data hold the number {leaf.item()}", "tensors with the samples along the first dimension", "drop or expand it"
        )
    return leaf.detach()
