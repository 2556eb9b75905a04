"""A Gaussian Naive Bayes model as doubles and as integers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dcai_compile import bigfloat
from dcai_compile.encoding import TO_FLOAT
from dcai_compile.model import IntegerModel, Model

Table: TypeAlias = tuple[tuple[int, ...], ...]
"""Integers a class and feature, (n_classes, n_features), of any size."""


@dataclass(frozen=True)
class GaussianModel(Model):
    """What scikit-learn keeps.

    Attributes
    ----------
    means, variances : `theta_` and `var_`, float64, shape (n_classes, n_features); variances with
        the smoothing in them.
    class_counts : samples of each class.
    epsilon : the smoothing, `epsilon_`.
    priors : fixed probabilities of the classes; None where they follow the class counts.
    dtype : the type that it was trained in, ``"float64"`` or ``"float32"``.
    frozen : whether it never changes.
    """

    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    class_counts: tuple[int, ...]
    epsilon: float
    priors: tuple[float, ...] | None
    dtype: str
    frozen: bool

    @property
    def n_classes(self) -> int:
        """Number of classes, and of scores."""
        return len(self.classes)


@dataclass(frozen=True)
class GaussianIntegers(IntegerModel):
    """Sums and sums of squares, ready for a contract.

    With ``V = factor_k (n S2 - S1^2) + epsilon n^2`` the variance is ``V / (factor_k n^2)`` squared wire
    units, and ``(x - mean)^2 / variance = factor_k (n Q - S1)^2 / V``, exactly.

    Attributes
    ----------
    sums, squares : S1 and S2 as published.
    from_training : whether they are the exact sums of the training samples' wire values.
    factor_k, epsilon : a power of two that makes `epsilon` an integer of 40 bits or more.
    fraction_bits : bits of a score below 1.
    lane_bits : lane width of published sums.
    max_value : the largest wire value that `update` takes.
    count_max : the most updates of a class; 0 for a frozen model.
    """

    model: GaussianModel
    sums: Table
    squares: Table
    from_training: bool
    factor_k: int
    epsilon: int
    fraction_bits: int
    lane_bits: int
    max_value: int
    count_max: int

    @property
    def updatable(self) -> bool:
        """Whether updates are possible."""
        return self.count_max > 0

    @cached_property
    def priors(self) -> tuple[int, ...] | None:
        """Squares of the fixed probabilities, packed; None where they follow the class counts."""
        if self.model.priors is None:
            return None
        packed = []
        for p in self.model.priors:
            if p == 0.0:
                packed.append(bigfloat.ZERO)
            else:
                packed.append(bigfloat.pack(*bigfloat.square(*bigfloat.from_fraction(Fraction(p)))))
        return tuple(packed)

    def spread(self, row: int, feature: int, count: int, total: int, squares: int) -> int:
        """V of a class and feature, from what the class has seen of it."""
        return self.factor_k * (count * squares - total * total) + self.epsilon * count * count

    def variance(self, row: int, feature: int) -> Fraction:
        """The published variance, in real units, exactly; of a class that has samples."""
        count = self.model.class_counts[row]
        spread = self.spread(
            row, feature, count, self.sums[row][feature], self.squares[row][feature]
        )
        return Fraction(spread, self.factor_k * count * count * TO_FLOAT**2)
