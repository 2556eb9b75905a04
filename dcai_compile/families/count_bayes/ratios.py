"""Products of complement numerators, as updates change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcai_compile import bigfloat
from dcai_compile.families.count_bayes.products import Number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dcai_compile.families.count_bayes.mirror import CountMirror


class Ratios:
    """What one update does to the products of complement numerators."""

    def __init__(self, mirror: CountMirror) -> None:
        self.mirror = mirror
        n_classes = mirror.integers.model.n_classes
        self.above: list[Number] = [(1, 0)] * n_classes
        self.below: list[Number] = [(1, 0)] * n_classes

    def add(self, lanes: NDArray[np.int64], feature: int, units: int, classification: int) -> None:
        """Count `units` more of a feature: every other class's complement grows."""
        integers = self.mirror.integers
        counts = [int(c) for c in integers.counts[:, feature]]
        counts = [c + int(d) for c, d in zip(counts, lanes[feature], strict=True)]
        for row, own in enumerate(counts):
            if row == classification:
                continue
            before = (sum(counts) - own) * integers.factor_m + integers.alpha[feature]
            after = before + units * integers.factor_m
            bits = integers.factor_bits
            self.below[row] = bigfloat.mul_small(*self.below[row], before, bits)
            self.above[row] = bigfloat.mul_small(*self.above[row], after, bits)

    def result(self, classification: int) -> list[int]:
        """The mirror's ratios, multiplied; the class that was taught keeps its own."""
        found = []
        for row, ratio in enumerate(self.mirror.ratios):
            if row == classification:
                found.append(ratio)
                continue
            change = bigfloat.div(
                *bigfloat.normalize(*self.above[row]), *bigfloat.normalize(*self.below[row])
            )
            found.append(bigfloat.pack(*bigfloat.mul(*bigfloat.unpack(ratio), *change)))
        return found
