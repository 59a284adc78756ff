"""The next step of a resolution: which of the moves of `docs/certificates.md` brings a state closer to monomial leaves.

The order of the moves is the algorithm: settle what is known about B (`base_set`), the domain and the volume form (`volume_form`) and the
generators; undo shears; use smooth functions as coordinates and compare positive sums with monomials (`smooth`); split B where a
coefficient may vanish (`splitting`); and only then blow up (`centres`).
"""

from __future__ import annotations

from germ.algebra.blowup import primitive_part
from germ.algebra.coordinates import change_linearly
from germ.algebra.moves.base_set import settle_dependents, settle_relations, settle_units, settle_zero
from germ.algebra.moves.centres import blow_up, blow_up_along
from germ.algebra.moves.move import Move, as_move
from germ.algebra.moves.smooth import compare, tidy, use_coordinate, use_prior_coordinate
from germ.algebra.moves.splitting import split, split_by_domain, split_by_factor, split_by_slope, split_by_value
from germ.algebra.moves.volume_form import settle_domain, settle_prior
from germ.algebra.rewriting import simplify_ideal
from germ.algebra.shears import undo_shear
from germ.algebra.state import State


def settle(state: State) -> Move | None:
    """What is known about B, the domain and the volume form, written as simply as possible."""
    for rule in (settle_dependents, settle_relations, settle_zero, settle_units, settle_prior, settle_domain, _settle_ideal):
        move = rule(state)
        if move:
            return move
    return None


def _settle_ideal(state: State) -> Move | None:
    ops, child = simplify_ideal(state)
    return Move({"kind": "rewrite", "ops": ops}, (child,)) if ops else None


def resolve_common_factor(state: State) -> Move | None:
    """The next step for a factor that all generators have in common: it becomes a monomial before the rest is looked at."""
    if len(state.ideal) < 2 or any(len(g) == 1 for g in state.ideal):
        return None
    common = state.ideal[0]
    for g in state.ideal[1:]:
        common = common.gcd(g)
    common = primitive_part(state, common)
    if common.is_constant():
        return None
    alone = state.change(ideal=(common,), prior=(), domain=())
    names = {n: i for i, n in enumerate(state.names)}
    for rule in (use_coordinate, split_by_value, split_by_slope, blow_up):
        move = rule(alone)
        if move is None:
            continue
        match move.step:
            case {"kind": "coordinate", "mode": "linear"}:
                return as_move(change_linearly(state, names[move.step["variable"]], move.step["polynomial"]))
            case {"kind": "split"}:
                return split(state, move.step["polynomials"])
            case {"kind": "blowup"}:
                return blow_up_along(state, {names[n]: w for n, w in move.step["weights"].items()})
    return None


def advance(state: State) -> Move | None:
    """The next step of a state that is no leaf; None where no move is left."""
    shear = undo_shear(state)
    if shear:
        return as_move(shear)
    for rule in RULES:
        found = rule(state)
        if found:
            return found
    return None


# in this order: what is cheap and always helps before what only might
RULES = (
    resolve_common_factor,
    use_coordinate,
    use_prior_coordinate,
    compare,
    tidy,
    split_by_value,
    split_by_slope,
    split_by_factor,
    blow_up,
)

__all__ = ["Move", "advance", "settle", "split", "split_by_domain"]
