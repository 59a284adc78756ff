"""Plain text with indices and powers, such as J_m/(m + 1) or Σ_{i<j} x^2, as HTML: the same sentence serves terminal and page."""

from __future__ import annotations

import html
import re

from markupsafe import Markup

_INDEX = re.compile(r"(?<!\w)(n?[A-Za-zΣΠλξν])_(?:\{([^{}]*)\}|([A-Za-z]|\d+)(?!\w))")
_POWER = re.compile(r"\^(?:\{([^{}]*)\}|\(([^()]*)\)|([−-]?[\w/]+))")


def format_notation(text: object) -> Markup:
    """Escape a text and set its indices and powers.

    Args:
        text: Plain text.

    Returns:
        HTML.

    Example:
        >>> str(format_notation("F_n <= x^2 (log n)^(m−1), a_bound"))
        'F<sub>n</sub> ≤ x<sup>2</sup> (log n)<sup>m−1</sup>, a_bound'
    """
    escaped = html.escape(str(text)).replace("&lt;=", "≤").replace("&gt;=", "≥")
    set_indices = _INDEX.sub(lambda m: f"{m[1]}<sub>{m[2] or m[3]}</sub>", escaped)
    return Markup(_POWER.sub(lambda m: f"<sup>{m[1] or m[2] or m[3]}</sup>", set_indices))
