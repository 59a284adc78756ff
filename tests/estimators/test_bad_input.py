"""What cannot be right is refused on both roads, with what was got, what was expected and what to do; nothing of the caller's changes."""

import contextlib
import copy
import itertools
import math
import random
import signal
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset, WeightedRandomSampler

import germ
from germ.errors import DataError, GermError, InputError, LossError, ModelError

ROADS = {"ladder": {}, "chains": {"chains": 2, "draws": 8, "burn_in": 4, "step_size": 1e-3, "localization": 1.0}}
X = torch.randn(60, 3, generator=torch.Generator().manual_seed(1))


def squared_error(model, batch):
    return ((model(batch[0]) - batch[1]) ** 2).sum(1) / 2


def make_model(seed=0):
    torch_state = torch.get_rng_state()
    torch.manual_seed(seed)
    model = nn.Linear(3, 2, bias=False)
    torch.set_rng_state(torch_state)
    return model


MODEL = make_model()
Y = MODEL(X).detach() + 0.5 * torch.randn(60, 2, generator=torch.Generator().manual_seed(2))


def estimate(road, model=MODEL, loss=squared_error, data=(X, Y), **options):
    return germ.estimate_learning_coefficient(model, loss, data, method=road, **(ROADS[road] | {"budget": 20.0} | options))


def refuse(kind, match, road, **arguments):
    with pytest.raises(kind, match=match) as caught:
        estimate(road, **arguments)
    assert isinstance(caught.value, GermError)
    assert caught.value.got
    assert caught.value.expected
    assert caught.value.remedy
    return str(caught.value)


def without_gradient(model, batch):
    with torch.no_grad():
        return squared_error(model, batch)


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    ("loss", "match"),
    [
        (lambda m, b: squared_error(m, b) * math.nan, "the loss is nan"),
        (lambda m, b: squared_error(m, b) / 0, "the loss is inf"),
        (lambda m, b: (m(b[0]) - b[1]) ** 2, r"shape \(16, 2\)"),
        (lambda m, b: squared_error(m, b).sum(), "a sum over the batch"),
        (lambda m, b: squared_error(m, b).sum() / len(X), "a sum over the batch"),
        (lambda m, b: squared_error(m, b).mean() * len(b[0]) ** 0.5, "neither a mean nor a sum"),
        (lambda m, b: float(squared_error(m, b).mean()), "returned float"),
        (lambda m, b: (squared_error(m, b).mean(), None), "returned tuple"),
        (lambda m, b: (m(b[0]) > b[1]).sum(1), r"tensor of torch\.int64"),
        (lambda m, b: (m(b[0]) > b[1]).float().sum(1), "no gradient"),
        (without_gradient, "no gradient"),
        (lambda m, b: squared_error(m, b).detach(), "no gradient"),
        (lambda m, b: squared_error(make_model(3).to(b[0].dtype), b), "does not change when the parameters do"),
        (lambda m, b: squared_error(m, (functional.dropout(b[0], 0.5), b[1])), "the loss is random"),
        (lambda m, b: squared_error(m, (b[0] - b[0].mean(0), b[1])), "depends on the other samples"),
        (lambda m, b: squared_error(m, (b[0][:, :2], b[1])), "the loss failed: RuntimeError"),
        (lambda m: 0.0, "the loss failed: TypeError"),
    ],
)
def test_losses(road, loss, match):
    state = torch.get_rng_state()
    refuse(LossError, match, road, loss=loss)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("mean", [False, True])
def test_a_single_sample_that_is_not_finite(road, mean):
    x = X.clone()
    x[41, 1] = math.nan
    loss = (lambda m, b: squared_error(m, b).mean()) if mean else squared_error
    told = refuse(LossError, "the loss is nan", road, loss=loss, data=(x, Y))
    assert "sample 41" in told or (mean and road == "chains")


class Stream(IterableDataset):
    def __iter__(self):
        yield X[0], Y[0]


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    ("data", "match"),
    [
        ((X[:0], Y[:0]), "an empty data set"),
        ((X[:1], Y[:1]), "a data set of one sample"),
        (TensorDataset(X[:0], Y[:0]), "an empty data set"),
        (TensorDataset(X[:1], Y[:1]), "a data set of one sample"),
        (DataLoader(TensorDataset(X[:1], Y[:1])), "a data set of one sample"),
        (DataLoader(Stream()), "IterableDataset"),
        (DataLoader(TensorDataset(X, Y), sampler=WeightedRandomSampler(torch.ones(60), 60)), "WeightedRandomSampler"),
        (iter([(X, Y)]), "an iterator"),
        ((), "without any tensor"),
        ("digits.npz", "hold a str"),
        ((X, None), "hold a NoneType"),
        ((X, Y[:20]), r"shapes \(60, 3\), \(20, 2\)"),
        ((X.to("meta"), Y), "meta device"),
    ],
)
def test_data(road, data, match):
    refuse(DataError, match, road, data=data)


@pytest.mark.parametrize("road", ROADS)
def test_n_is_that_of_the_data_set_whatever_the_loader_does(road):
    class Pairs(Dataset):
        def __len__(self):
            return 60

        def __getitem__(self, i):
            return X[i], Y[i]

    for data, n in [
        (DataLoader(Pairs(), batch_size=16, shuffle=True, drop_last=True), 60),
        (DataLoader(TensorDataset(X, Y), batch_size=7), 60),
        (DataLoader(Subset(Pairs(), range(0, 60, 2)), batch_size=4, shuffle=True), 30),
        (Pairs(), 60),
    ]:
        assert estimate(road, data=data).diagnostics["n"] == n
    straight, shuffled = (estimate(road, data=d) for d in ((X, Y), DataLoader(Pairs(), shuffle=True)))
    assert straight.value == shuffled.value


class Masked(nn.Module):
    """A frozen integer parameter beside a real one."""

    def __init__(self):
        super().__init__()
        self.mask = nn.Parameter(torch.ones(3, 2, dtype=torch.int64), requires_grad=False)
        self.weight = nn.Parameter(make_model().weight.detach().T.clone())

    def forward(self, x):
        return x @ (self.weight * self.mask)


@pytest.mark.parametrize("road", ROADS)
def test_parameters(road):
    frozen = copy.deepcopy(MODEL).requires_grad_(False)
    refuse(ModelError, "no parameter requires a gradient", road, model=frozen)
    refuse(ModelError, "'mask' matches nothing", road, model=Masked(), parameters=["mask"])
    refuse(ModelError, "holds 3", road, parameters=[3])
    refuse(ModelError, "a str as the model", road, model="linear")
    refuse(ModelError, "meta device", road, model=nn.Linear(3, 2, device="meta"))
    refuse(ModelError, "no shape yet", road, model=nn.LazyLinear(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.trace(MODEL, X)
    refuse(ModelError, "TorchScript", road, model=scripted)
    broken = copy.deepcopy(MODEL)
    broken.weight.data[0, 0] = math.inf
    refuse(ModelError, "weight has non-finite values", road, model=broken)
    complex_ = nn.Linear(3, 2, bias=False, dtype=torch.complex64)
    refuse(ModelError, r"dtype torch\.complex64", road, model=complex_)


@pytest.mark.parametrize("road", ROADS)
def test_frozen_parameters_do_not_move(road):
    whole, masked = estimate(road), estimate(road, model=Masked())
    assert masked.value == pytest.approx(whole.value, rel=0.5)
    model = nn.Sequential(nn.Linear(3, 3, bias=False), copy.deepcopy(MODEL))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(3))
    model[0].requires_grad_(False)
    half = estimate(road, model=model)
    assert half.value == pytest.approx(whole.value, rel=0.5)


def test_a_model_beside_its_data():
    # Data come to the model's device; what cannot be done there is told. Devices without values stand for those that this machine lacks.
    mixed = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2, device="meta"))
    refuse(ModelError, "meta device", "chains", model=mixed)
    told = refuse(LossError, "the loss failed", "chains", data=(X.double(), Y.double()))
    assert "dtype and device" in told
    assert estimate("ladder", data=(X.double(), Y.double())).value == 3  # it works in double precision anyway


@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf, "3", True])
@pytest.mark.parametrize("name", ["budget", "precision", "nbeta", "localization", "step_size"])
def test_positive_numbers(name, value):
    refuse(InputError, f"got {name}=", "chains", **{name: value})
    with pytest.raises(InputError, match=f"got {name}="):
        germ.estimate_learning_coefficient(MODEL, squared_error, (X, Y), **{name: value})


@pytest.mark.parametrize("value", [-1, 1.5, True, "2"])
@pytest.mark.parametrize("name", ["chains", "draws", "batch_size", "burn_in"])
def test_whole_numbers(name, value):
    refuse(InputError, f"got {name}=", "chains", **{name: value})


@pytest.mark.parametrize("road", ROADS)
def test_other_arguments(road):
    refuse(InputError, "got seed=-1", road, seed=-1)
    refuse(InputError, "got on_failure='ignore'", road, on_failure="ignore")
    refuse(InputError, "got progress=3", road, progress=3)
    refuse(InputError, "got loss=None", road, loss=None)
    with pytest.raises(InputError, match="got method='guess'"):
        germ.estimate_learning_coefficient(MODEL, squared_error, (X, Y), method="guess")
    with pytest.raises(InputError, match="nbeta"):
        germ.estimate_learning_coefficient(MODEL, squared_error, (X, Y), method="ladder", nbeta=10.0)


def take_stock(model):
    return {
        "values": [v.detach().clone() for v in (*model.parameters(), *model.buffers())],
        "places": [v.data_ptr() for v in (*model.parameters(), *model.buffers())],
        "identities": [id(p) for p in model.parameters()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "free": [p.requires_grad for p in model.parameters()],
        "modes": [m.training for m in model.modules()],
        "attributes": [sorted(m.__dict__) for m in model.modules()],
        "hooks": [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()],
        "random": [torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()],  # noqa: NPY002 - the caller's
        "options": [torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads(),
                    torch.backends.mha.get_fastpath_enabled(), torch.backends.cuda.flash_sdp_enabled(),
                    torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision()],
    }  # fmt: skip


def assert_same(before, after):
    for key, values in before.items():
        for one, other in zip(values, after[key], strict=True):
            assert np.array_equal(one, other) if isinstance(one, (torch.Tensor, np.ndarray)) else one == other, key


def make_network():
    state = torch.get_rng_state()
    torch.manual_seed(5)
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.3), nn.Tanh(), nn.Linear(3, 2)).train()
    torch.set_rng_state(state)
    model[1].running_mean.normal_(generator=torch.Generator().manual_seed(6))
    model[0].weight.grad = torch.ones(3, 3)
    model[4].bias.requires_grad_(False)
    model[2].eval()
    truth = copy.deepcopy(model).eval()
    return model, (X, truth(X).detach() + 0.3 * torch.randn(60, 2, generator=torch.Generator().manual_seed(7)))


@pytest.mark.parametrize("road", ROADS)
def test_nothing_of_the_callers_changes(road):
    model, data = make_network()
    before = take_stock(model)
    estimate(road, model=model, data=data)
    assert_same(before, take_stock(model))


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_nothing_changes_when_the_loss_breaks_off(road, kind):
    # At every call in turn: inside the checks, the examination, the tracing, the sampling.
    model, data = make_network()
    before = take_stock(model)
    for last in itertools.chain(range(1, 12), range(14, 60, 9)):
        calls = itertools.count(1)

        def breaking(m, b, calls=calls, last=last):
            if next(calls) == last:
                raise kind("broken off")
            return squared_error(m, b)

        with contextlib.suppress(KeyboardInterrupt, RuntimeError, LossError):
            estimate(road, model=model, loss=breaking, data=data, **({"kernel": "hmc"} if road == "chains" else {}))
        assert_same(before, take_stock(model))


@pytest.mark.parametrize("road", ROADS)
def test_nothing_changes_when_ctrl_c_is_pressed(road):
    model, data = make_network()
    before = take_stock(model)
    options = {"draws": 100_000} if road == "chains" else {"precision": 1e-6}

    def interrupt(_, frame):
        if frame.f_code.co_name == "gc_callback":  # of torch: what is raised there is swallowed
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            return
        raise KeyboardInterrupt

    product = nn.Sequential(nn.Linear(3, 2, bias=False), nn.Linear(2, 2, bias=False))
    for p in product.parameters():
        nn.init.zeros_(p)
    subject = (model, data) if road == "chains" else (product, (X, torch.zeros(60, 2)))  # one that has to be sampled
    before = take_stock(subject[0])
    usual = signal.signal(signal.SIGALRM, interrupt)
    try:
        for seconds in (0.05, 0.4, 1.5):
            signal.setitimer(signal.ITIMER_REAL, seconds)
            with pytest.raises(KeyboardInterrupt):
                estimate(road, model=subject[0], data=subject[1], **options)
            assert_same(before, take_stock(subject[0]))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)
