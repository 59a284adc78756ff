"""Codes for symbols as words of 0 and 1: the Kraft sum, prefix codes, unique decodability, Huffman's and Shannon's codes.

McMillan's theorem: the word lengths of a uniquely decodable code satisfy Σ 2^-l ≤ 1; Kraft's: lengths that satisfy it are those of a
prefix code, which `make_prefix_code` constructs. Hence no decodable code is shorter on average than the entropy. Lengths are in bits.

References:
    Kraft (1949); McMillan (1956); Sardinas, Patterson (1953); Huffman (1952); Cover, Thomas (2006), chapter 5.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from germ.errors import InputError
from germ.information.entropy import check_distribution

MAX_LENGTH = 4_096  # bits of one word


def compute_kraft_sum(lengths: Sequence[int], alphabet: int = 2) -> Fraction:
    """The Kraft sum Σ D^-l, exactly.

    Args:
        lengths: Word lengths l ≥ 0.
        alphabet: D, the number of letters.

    Returns:
        The sum.

    Raises:
        InputError: If a length is not a whole number from 0 to 4096, or D < 2.

    Example:
        >>> compute_kraft_sum([1, 2, 3, 3])
        Fraction(1, 1)
    """
    if alphabet < 2:
        raise InputError(f"an alphabet of {alphabet} letters", "at least 2")
    for length in lengths:
        if int(length) != length or not 0 <= length <= MAX_LENGTH:
            raise InputError(f"the word length {length}", f"a whole number from 0 to {MAX_LENGTH}")
    return sum((Fraction(1, alphabet ** int(length)) for length in lengths), Fraction(0))


def make_prefix_code(lengths: Sequence[int]) -> tuple[str, ...]:
    """A binary prefix code with given word lengths (Kraft's construction): words in order of length, each the next free one.

    Args:
        lengths: Word lengths with Kraft sum at most 1.

    Returns:
        One word for each length, in the order given.

    Raises:
        InputError: If the Kraft sum exceeds 1: then no uniquely decodable code has these lengths.

    Example:
        >>> make_prefix_code([2, 1, 3, 3])
        ('10', '0', '110', '111')
    """
    total = compute_kraft_sum(lengths)
    if total > 1:
        raise InputError(f"word lengths {list(lengths)} with the Kraft sum {total}", "at most 1 (McMillan)", "lengthen some words")
    words = [""] * len(lengths)
    start = Fraction(0)
    for index in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        length = int(lengths[index])
        words[index] = format(int(start * 2**length), f"0{length}b") if length else ""
        start += Fraction(1, 2**length)
    return tuple(words)


def is_prefix_code(words: Sequence[str]) -> bool:
    """Whether no word is the beginning of another.

    Args:
        words: Code words.

    Returns:
        True or False.
    """
    ordered = sorted(words)
    return all(not b.startswith(a) for a, b in itertools.pairwise(ordered))


def find_ambiguity(words: Sequence[str]) -> str | None:
    """A text with two decodings, or None where the code is uniquely decodable (Sardinas and Patterson's test, with its witness).

    Args:
        words: Code words, not empty.

    Returns:
        A shortest text that two different sequences of words spell, or None.

    Raises:
        InputError: If there is an empty word or no word at all.

    Example:
        >>> find_ambiguity(["0", "01", "10"])
        '010'
        >>> find_ambiguity(["0", "01", "011"]) is None
        True
    """
    if not words or not all(words):
        raise InputError(f"the words {list(words)}", "words of at least one letter")
    if len(set(words)) < len(words):
        return next(w for w in words if list(words).count(w) > 1)
    # Dangling suffixes: what one of two decodings is ahead of the other; shortest texts first, so that the witness is a shortest one.
    queue: list[tuple[int, str, str]] = [(len(b), b[len(a) :], b) for a in words for b in words if a != b and b.startswith(a)]
    heapq.heapify(queue)
    seen: set[str] = set()
    while queue:
        _, ahead, text = heapq.heappop(queue)
        if ahead in seen:
            continue
        seen.add(ahead)
        if ahead in words:
            return text
        for word in words:
            if word.startswith(ahead):
                heapq.heappush(queue, (len(text) + len(word) - len(ahead), word[len(ahead) :], text + word[len(ahead) :]))
            elif ahead.startswith(word):
                heapq.heappush(queue, (len(text), ahead[len(word) :], text))
    return None


def make_huffman_code(probabilities: ArrayLike) -> tuple[str, ...]:
    """Huffman's code: no uniquely decodable code has a smaller expected length.

    Args:
        probabilities: A distribution, (k,).

    Returns:
        A word for each symbol; a single symbol has the empty word.

    Example:
        >>> [len(word) for word in make_huffman_code([0.5, 0.25, 0.125, 0.125])]
        [1, 2, 3, 3]
    """
    p = check_distribution(probabilities)
    counter = itertools.count()
    heap = [(float(weight), next(counter), [i]) for i, weight in enumerate(p)]
    heapq.heapify(heap)
    words = [""] * len(heap)
    while len(heap) > 1:
        (a, _, left), (b, _, right) = heapq.heappop(heap), heapq.heappop(heap)
        for letter, group in (("0", left), ("1", right)):
            for i in group:
                words[i] = letter + words[i]
        heapq.heappush(heap, (a + b, next(counter), left + right))
    return tuple(words)


def make_shannon_code(probabilities: ArrayLike) -> tuple[str, ...]:
    """Shannon's code: lengths ⌈-log₂ p⌉, so that the expected length is less than the entropy plus one bit.

    Args:
        probabilities: A distribution without zeros, (k,).

    Returns:
        A word for each symbol.

    Raises:
        InputError: If a probability is 0.
    """
    p = check_distribution(probabilities)
    if (p == 0).any():
        raise InputError("a probability of 0", "positive probabilities", "leave out symbols that never occur")
    return make_prefix_code([math.ceil(-math.log2(x) - 1e-12) for x in p])


def compute_expected_length(words: Sequence[str], probabilities: ArrayLike) -> float:
    """The expected word length Σ p l.

    Args:
        words: Code words.
        probabilities: Their probabilities.

    Returns:
        Letters per symbol.

    Raises:
        InputError: If there are not as many words as probabilities.
    """
    p = check_distribution(probabilities)
    if len(words) != len(p):
        raise InputError(f"{len(words)} words for {len(p)} symbols", "as many words as symbols")
    return float(p @ np.array([len(w) for w in words], dtype=float))
