"""Singular and Macaulay2 as second opinions: complex log canonical thresholds from Bernstein-Sato polynomials, by subprocess.

The largest root −α of the b-function of an ideal is minus its log canonical threshold over the complex numbers, taken over all points of
affine space. Near a point, without a domain or a prior, the real threshold is at least α; it equals α where the divisor that attains it has
real points. So a peer confirms, or bounds from below; multiplicities, domains and priors it does not know. Neither program is a
dependency: where it is not installed the call says so.

References:
    Kollár (1997), Singularities of pairs, Theorem 10.6; Budur, Mustață, Saito (2006), Bernstein-Sato polynomials of arbitrary varieties,
    Theorem 2; Levandovskyy, Martín-Morales (2008), Computational D-module theory with Singular.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from germ.algebra.expression import Expression, parse_polynomials
from germ.errors import BudgetError, InputError, MissingDependencyError

Program = Literal["Singular", "Macaulay2"]
_COMMANDS: dict[str, list[str]] = {"Singular": ["Singular", "-q", "--no-rc"], "Macaulay2": ["M2", "--silent", "-q", "--stop"]}
_PACKAGES = {"Singular": "singular-ui", "Macaulay2": "macaulay2"}


def find_peer(program: Program) -> str | None:
    """The path of a peer's executable, or None where it is not installed."""
    return shutil.which(_COMMANDS[program][0])


def compute_complex_threshold(
    generators: Expression | Sequence[Expression], program: Program = "Singular", *, seconds: float = 30.0
) -> Fraction:
    """The complex log canonical threshold of an ideal, the minimum over affine space.

    For K = Σ f_i² half of it is a lower bound of λ at any point, and of the multiplicity it says nothing.

    Args:
        generators: f, or the generators of an ideal, that vanish somewhere.
        program: The peer.
        seconds: Time after which it is stopped.

    Returns:
        The threshold.

    Raises:
        MissingDependencyError: If the program is not installed.
        BudgetError: If it did not end in time.
        InputError: If its answer cannot be read, as for the unit ideal.
    """
    if program not in _COMMANDS:
        raise InputError(f"the program {program!r}", f"one of {', '.join(_COMMANDS)}")
    path = find_peer(program)
    if path is None:
        raise MissingDependencyError(
            f"{program} was not found", f"the program {_COMMANDS[program][0]} on the PATH", f"install it (Debian: {_PACKAGES[program]})"
        )
    texts = list(generators) if isinstance(generators, (list, tuple)) else [generators]
    polynomials = [p for p in parse_polynomials(texts) if not p.is_zero()]
    if not polynomials:
        raise InputError("the zero ideal", "a polynomial that is not zero")
    # The peers' own names (t, s, D…) must not meet the user's.
    count = polynomials[0].context().nvars()
    plain = ["+".join(_term(e, c) for e, c in p.to_dict().items()) for p in polynomials]
    script = _write_singular(plain, count) if program == "Singular" else _write_macaulay(plain, count)
    output = _run([path, *_COMMANDS[program][1:]], script, program, seconds)
    return _read_singular(output, count) if program == "Singular" else _read_macaulay(output)


def _term(exponents: tuple, coefficient: object) -> str:
    return "*".join([f"({coefficient})", *(f"x{i}^{int(e)}" for i, e in enumerate(exponents) if e)])


def _write_singular(polynomials: list[str], count: int) -> str:
    names = ",".join(f"x{i}" for i in range(count))
    body = (
        f"poly F = {polynomials[0]}; list L = bfctAnn(F); int shift = 0;"
        if len(polynomials) == 1
        else f"ideal F = {','.join(polynomials)}; list L = bfctVarAnn(F); int shift = {count} - dim(std(F)) - 1;"
    )
    head = f'LIB "bfun.lib"; LIB "dmodvar.lib"; ring r = 0,({names}),dp;'
    return f'{head} {body} print("SHIFT"); print(shift); print("ROOTS"); print(L); quit;\n'


def _write_macaulay(polynomials: list[str], count: int) -> str:
    names = ",".join(f"x{i}" for i in range(count))
    return f'loadPackage "Dmodules";\nR = QQ[{names}];\nprint("LCT " | toString lct ideal({",".join(polynomials)}));\nexit 0\n'


def _run(command: list[str], script: str, program: str, seconds: float) -> str:
    with tempfile.TemporaryDirectory(prefix="germ-") as folder:
        try:
            # A folder of its own as home: Macaulay2 writes configuration files there.
            done = subprocess.run(
                command, input=script, capture_output=True, text=True, timeout=seconds, check=False, cwd=folder,
                env={"HOME": folder, "PATH": "/usr/local/bin:/usr/bin:/bin"},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise BudgetError(f"{program} did not end within {seconds:g} s", "a smaller ideal", "raise seconds=") from None
    return done.stdout


def _read_singular(output: str, count: int) -> Fraction:
    shift = re.search(r"SHIFT\s+(-?\d+)", output)
    roots = [Fraction(r) for r in re.findall(r"_\[\d+\]=(-?\d+(?:/\d+)?)", output.partition("ROOTS")[2])]
    if shift is None or not roots:
        raise InputError(f"Singular answered {output.strip()[-200:]!r}", "the roots of a b-function", "an ideal that vanishes somewhere")
    # b of a variety is that of its ideal, shifted by its codimension less one (Budur, Mustață and Saito).
    return -max(roots) + int(shift.group(1))


def _read_macaulay(output: str) -> Fraction:
    found = re.search(r"LCT (-?\d+(?:/\d+)?)", output)
    if found is None:
        raise InputError(f"Macaulay2 answered {output.strip()[-200:]!r}", "a threshold", "an ideal that vanishes somewhere")
    return Fraction(found.group(1))
