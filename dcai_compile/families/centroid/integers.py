"""A centroid model as doubles and as integers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dcai_compile.digits import Digits
from dcai_compile.model import IntegerModel, Model

COUNT_BITS = 32
"""Updates of a class that the contract counts: far more than there can be blocks."""


@dataclass(frozen=True)
class CentroidModel(Model):
    """What scikit-learn, or DCAI, keeps of each class.

    Attributes
    ----------
    metric : ``"euclidean"`` or ``"manhattan"``.
    centroids : means (euclidean) or medians (manhattan), float64, shape (n_classes, n_features).
    counts : samples of each class where the model says so, else None.
    deviations : scikit-learn's `within_class_std_dev_`, shape (n_features,); not used to predict.
    frozen : whether it never changes.
    """

    metric: str
    centroids: NDArray[np.float64]
    counts: tuple[int, ...] | None
    deviations: NDArray[np.float64]
    frozen: bool

    @property
    def n_classes(self) -> int:
        """Number of classes, and of scores."""
        return len(self.classes)


@dataclass(frozen=True)
class CentroidIntegers(IntegerModel):
    """Sums and counts, ready for a contract.

    The centroid of class c is ``sums[c] * grid / (grain * counts[c])`` in wire units.

    Attributes
    ----------
    grain : units of a sum per wire unit, where a sum counts in parts of one; else 1.
    grid_bits : a sum counts in steps of so many powers of two of wire units; 0 where it is exact.
    sums : int64, shape (n_classes, n_features).
    counts : samples of each class.
    fraction_bits : bits of a euclidean score below one squared unit.
    base_bits, lane_bits : lane widths of published sums and of what updates add (0 if frozen).
    low_bits : width of the low digit of an added sum.
    max_value : the largest wire value that `update` takes.
    proved_updates : number of updates for which no lane can overflow.
    """

    model: CentroidModel
    grain: int
    sums: NDArray[np.int64]
    counts: tuple[int, ...]
    grid_bits: int
    fraction_bits: int
    base_bits: int
    lane_bits: int
    low_bits: int
    max_value: int
    proved_updates: int

    @property
    def unit(self) -> Fraction:
        """The real value of one unit of a sum."""
        return Fraction(self.grid, self.encoding.scale * self.grain)

    @property
    def grid(self) -> int:
        """Wire units per unit of a sum, where it counts in steps of several; else 1."""
        return 1 << self.grid_bits

    @property
    def score_unit(self) -> Fraction:
        """The real value of one unit of a score."""
        if self.model.metric == "manhattan":
            return self.unit
        return self.unit * self.unit / (self.grid << self.fraction_bits)

    @property
    def keeps_squares(self) -> bool:
        """Whether squared norms of what was learned are kept, because a prediction does not see all of it."""
        return self.updatable and self.encoding.is_sparse

    def on_grid(self, value: int) -> int:
        """What a wire value adds to a sum: the nearest step of the grid, in a tie the higher one."""
        return ((value * self.grain) + (self.grid >> 1)) >> self.grid_bits

    @property
    def digits(self) -> Digits:
        """How an added lane is written."""
        return Digits(self.lane_bits, self.low_bits)

    @property
    def updatable(self) -> bool:
        """Whether updates are possible."""
        return self.lane_bits > 0

    @cached_property
    def squares(self) -> tuple[int, ...]:
        """The squared norm of each class's published sums."""
        return tuple(sum(s * s for s in row) for row in self.sums.tolist())

    @cached_property
    def magnitudes(self) -> tuple[int, ...]:
        """The sum of magnitudes of each class's published sums."""
        return tuple(sum(abs(s) for s in row) for row in self.sums.tolist())
