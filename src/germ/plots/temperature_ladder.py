"""The temperature ladder of a posterior: mean energy at each inverse temperature, and how well neighbours exchange."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from germ.errors import InputError
from germ.plots.canvas import check_arrays, get_axes


def plot_temperature_ladder(
    betas: ArrayLike, energies: ArrayLike, *, errors: ArrayLike | None = None, swap_rates: ArrayLike | None = None, ax: Any = None
) -> Any:
    """E_β[nL] over β, whose integral from 0 to 1 is the free energy; and swap rates of neighbours.

    Args:
        betas: Inverse temperatures, positive, (T,).
        energies: E_β[nL], nats, (T,).
        errors: Their standard errors, (T,).
        swap_rates: Acceptance between neighbours, in [0, 1], (T − 1,).
        ax: Matplotlib axes; new ones by default.

    Returns:
        The axes of the energy; the swap rates have an axis of their own on the right.

    Raises:
        InputError: For arrays that do not belong together.
    """
    a = check_arrays(betas=betas, energies=energies, **({} if errors is None else {"errors": errors}))
    if not (a["betas"] > 0).all():
        raise InputError(f"a least β of {a['betas'].min():.3g}", "positive inverse temperatures", "leave the prior out")
    order = a["betas"].argsort()
    beta = a["betas"][order]
    ax = get_axes(ax)
    ax.errorbar(beta, a["energies"][order], yerr=2 * a["errors"][order] if "errors" in a else None, fmt="o-", markersize=3, color="#1f5a96")
    ax.set(xscale="log", xlabel="inverse temperature β", ylabel="E[nL], nats")
    if swap_rates is not None:
        rates = check_arrays(swap_rates=swap_rates)["swap_rates"]
        if len(rates) != len(beta) - 1 or rates.min() < 0 or rates.max() > 1:
            raise InputError(
                f"{len(rates)} swap rates from {rates.min():.3g} to {rates.max():.3g}",
                f"{len(beta) - 1} numbers between 0 and 1",
                "give one for each pair of neighbours, from the least β up",
            )
        right = ax.twinx()
        right.plot((beta[1:] * beta[:-1]) ** 0.5, rates, "x", color="#c0392b")
        right.set(ylim=(0, 1), ylabel="swap rate (×)")
    return ax
