"""The decision that families with one score a class share: the first of the highest."""

from __future__ import annotations

from collections.abc import Sequence

from dcai_compile.fixed import INT256_MAX, INT256_MIN
from dcai_compile.model import Revert


def first_of_highest(scores: Sequence[int], n_classes: int) -> int:
    """Index of the first of the highest scores, or the contract's revert for a wrong number of them."""
    if len(scores) != n_classes:
        raise Revert("SampleLengthMismatch", n_classes, len(scores))
    best = 0
    for row in range(1, n_classes):
        if scores[row] > scores[best]:
            best = row
    return best


def tie_probes(n_classes: int) -> list[list[int]]:
    """Scores at ties and extremes, and of the wrong number."""
    patterns = [[], [0] * n_classes, [-1] * n_classes, [0] * (n_classes - 1), [0] * (n_classes + 1)]
    for row in range(n_classes):
        # A tie with the row before (the first wins), and one more than it.
        patterns.append([7 if other in (row - 1, row) else 0 for other in range(n_classes)])
        patterns.append([INT256_MAX if other == row else INT256_MIN for other in range(n_classes)])
    return patterns
