"""WBIC of a reduced rank regression beside PyMC (nutpie) and NumPyro: CPU time to the same Monte Carlo error.

    python -m benchmarks wbic                                # germ alone, where the others are not installed
    python -m benchmarks wbic --peers ENVIRONMENT/bin/python # an environment with pymc, nutpie and numpyro

M = N = 6, H = 3, true rank 3 with a weak third direction, n = 500, β = 1/log n (set 0 of the "weak" design of `benchmarks.model_choice`).
All compute the likelihood from the full residuals; germ is also run with the sufficient statistics that it takes by itself. One core
each; CPU time of the process, compilation named apart. A peer runs four chains; the error of its mean of nL is that of its effective
sample size. Its time to the asked error is warm-up + sampling × (error reached/error asked)².
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import germ
from benchmarks.model_choice import make_set
from germ.estimators.monte_carlo import compute_effective_sample_size
from germ.problems.normal_likelihood import NormalLikelihood

PYMC = """
import pymc as pm, nutpie
with pm.Model() as model:
    a, b = pm.Normal("a", shape=(H, 6)), pm.Normal("b", shape=(6, H))
    loss = 0.5 * ((y - x @ (b @ a).T) ** 2).sum() + CONSTANT
    pm.Potential("tempered", -beta * loss)
    pm.Deterministic("loss", loss)
compiled = nutpie.compile_pymc_model(model)
mark("compile")
kept = dict(tune=WARMUP, chains=4, cores=1, progress_bar=False)
nutpie.sample(compiled, draws=1, seed=1, **kept)
mark("warm-up")  # of a run of its own: the next repeats it, and is counted without it
trace = nutpie.sample(compiled, draws=DRAWS, seed=1, **kept)
mark("sampling with warm-up")
loss = trace.posterior["loss"].values
steps = float(trace.sample_stats["n_steps"].mean())
"""

NUMPYRO = """
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
import jax, jax.numpy as jnp, numpyro, numpyro.distributions as dist
from numpyro.infer import MCMC, NUTS
jax.config.update("jax_enable_x64", True)
def model():
    a = numpyro.sample("a", dist.Normal(0, 1).expand((H, 6)).to_event(2))
    b = numpyro.sample("b", dist.Normal(0, 1).expand((6, H)).to_event(2))
    loss = numpyro.deterministic("loss", 0.5 * ((y - x @ (b @ a).T) ** 2).sum() + CONSTANT)
    numpyro.factor("tempered", -beta * loss)
chains = MCMC(NUTS(model), num_warmup=WARMUP, num_samples=DRAWS, num_chains=4, chain_method="sequential", progress_bar=False)
chains.warmup(jax.random.PRNGKey(0), extra_fields=("num_steps",))
mark("compile and warm-up")
chains.run(jax.random.PRNGKey(1), extra_fields=("num_steps",))
loss = np.asarray(chains.get_samples(group_by_chain=True)["loss"])
mark("sampling")
steps = float(np.asarray(chains.get_extra_fields()["num_steps"]).mean())
"""

FRAME = """
import json, math, os, sys, time
import numpy as np
marks, last = {{}}, time.process_time()
def mark(name):
    global last
    marks[name], last = time.process_time() - last, time.process_time()
data = np.load({file!r})
x, y, beta, H, DRAWS, WARMUP = data["x"], data["y"], float(data["beta"]), int(data["hidden"]), {draws}, {warmup}
CONSTANT = 0.5 * y.size * math.log(2 * math.pi)
{body}
np.save({out!r}, loss)
print(json.dumps(marks | {{"steps": steps}}))
"""


def run_peer(name, python, body, arrays, draws, warmup, precision):
    """CPU seconds to the asked error; None where the packages are absent."""
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "data.npz", Path(folder) / "loss.npy"
        np.savez(file, **arrays)
        code = FRAME.format(file=str(file), out=str(out), draws=draws, warmup=warmup, body=body)
        threads = dict.fromkeys(
            ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"), "1"
        )
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, env=os.environ | threads)
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["no message"])[-1]
            print(f"{name:30s} not run: {why}  (name an environment that has it with --peers)")
            return None
        marks, loss = json.loads(done.stdout.splitlines()[-1]), np.load(out)
    steps = marks.pop("steps")
    error = loss.std() / math.sqrt(compute_effective_sample_size(loss))
    compiling = sum(s for k, s in marks.items() if k.startswith("compile"))
    warm = marks.get("warm-up", 0.0)
    sampling = marks.get("sampling", marks.get("sampling with warm-up", 0.0) - warm)
    needed = sampling * (error / precision) ** 2
    total = warm + needed
    print(
        f"{name:30s} WBIC {loss.mean():9.2f} ± {error:.2f}   to ± {precision}: {total:6.1f} s CPU, and {compiling:.1f} s to compile"
        f" ({draws} draws × 4 chains, {steps:.0f} gradients a draw)",
        flush=True,
    )
    return {"value": float(loss.mean()), "error": float(error), "seconds": total, "compile": compiling, "steps": steps, "draws": draws}


def run_germ(name, problem, data, precision, seeds):
    """CPU seconds of `estimate_wbic`, and whether its values spread as its errors say."""
    found, seconds = [], []
    for seed in range(seeds):
        start = time.process_time()
        found.append(germ.estimate_wbic(problem, data, seed=seed, precision=precision, budget=3600))
        seconds.append(time.process_time() - start)
    values, errors = np.array([e.value for e in found]), np.array([e.standard_error for e in found])
    spread = f", spread of {seeds} runs {values.std(ddof=1):.2f}" if seeds > 1 else ""
    print(
        f"{name:30s} WBIC {values.mean():9.2f} ± {errors.mean():.2f}   to ± {precision}: {np.mean(seconds):6.1f} s CPU{spread}", flush=True
    )
    return {"values": values.tolist(), "errors": errors.tolist(), "seconds": seconds}


def main():
    """Run all, print, save."""
    parser = argparse.ArgumentParser(description="WBIC of a reduced rank regression beside PyMC (nutpie) and NumPyro")
    parser.add_argument("--peers", default=sys.executable, help="a Python that has pymc, nutpie and numpyro")
    parser.add_argument("--precision", type=float, default=0.25, help="Monte Carlo error in nats")
    parser.add_argument("--draws", type=int, default=2000, help="of each of a peer's four chains")
    parser.add_argument("--warmup", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=1, help="runs of germ")
    parser.add_argument("--save", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    problems, data = make_set("weak", 0)
    problem = problems["H=3"]
    plain = replace(problem, log_likelihood=NormalLikelihood(problem.log_likelihood.predict))
    rows = {
        "germ, full residuals": run_germ("germ, full residuals", plain, data, chosen.precision, chosen.seeds),
        "germ, sufficient statistics": run_germ("germ, sufficient statistics", problem, data, chosen.precision, chosen.seeds),
    }
    x, y = (t.numpy() for t in data)
    arrays = {"x": x, "y": y, "beta": 1 / math.log(len(x)), "hidden": 3}
    for name, body in (("PyMC (nutpie)", PYMC), ("NumPyro", NUMPYRO)):
        rows[name] = run_peer(name, chosen.peers, body, arrays, chosen.draws, chosen.warmup, chosen.precision)
    if chosen.save:
        chosen.save.write_text(json.dumps({"precision": chosen.precision, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
