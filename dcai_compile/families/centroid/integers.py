"""A centroid model as doubles and as integers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dcai_compile.digits import Digits
from dcai_compile.model import IntegerModel, Model
from dcai_compile.tables import DeltaTable, Field
from dcai_compile.tiles import (
    LANE_BITS,
    PACKED_BITS,
    STRIDE,
    Division,
    Tiles,
    divide_in_tiles,
    tiles_of,
)


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
    count_bits, square_bits : widths of what updates add to a class's samples, and to the squared norm of its
        sum (0 where none is kept).
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
    count_bits: int
    square_bits: int
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

    @cached_property
    def tiles(self) -> Tiles | None:
        """How dense samples are multiplied and learned from; None where not in tiles."""
        digits, encoding = self.digits, self.encoding
        if not self.updatable or digits.low_bits != PACKED_BITS or not digits.carries:
            return None
        lane = int(np.abs(self.sums).max()).bit_length() + 1
        bits = next((bits for bits in LANE_BITS if bits >= max(lane, PACKED_BITS)), 0)
        # A published lane and the low digit of a learned one are added before they are multiplied.
        width = max(lane, PACKED_BITS) + 1
        rows, features = self.model.n_classes, encoding.n_features
        tiles = Tiles(rows, features, bits, 1 << (lane - 1), width)
        if 2 * width + tiles.terms_bits >= STRIDE or self.division is None:
            return None
        return tiles_of(encoding, tiles, self.max_value)

    @property
    def division(self) -> Division | None:
        """How the steps of a lesson are made, four at once; None where they are made one by one."""
        return divide_in_tiles(self.grid, self.max_value) if self.grain == 1 else None

    @property
    def digits(self) -> Digits:
        """How an added lane is written."""
        return Digits(self.lane_bits, self.low_bits)

    @property
    def fields(self) -> tuple[Field, ...]:
        """What is kept of a class beside its sums."""
        return self._fields(self.count_bits, self.square_bits)

    def fields_for(self, updates: int) -> tuple[Field, ...]:
        """`fields` as wide as so many updates of a class are proved to need."""
        square = self._grown(updates).bit_length() + self.squares_fall
        return self._fields(updates.bit_length(), square)

    def _fields(self, count: int, square: int) -> tuple[Field, ...]:
        fields = (
            Field("samples", count, "the samples"),
            Field("square", square, "the squared norm", self.squares_fall),
        )
        return fields if self.keeps_squares else fields[:1]

    @property
    def squares_fall(self) -> bool:
        """Whether an update can make a squared norm smaller than it was published: not where all that is
        published and all that is added is a count.
        """
        return not (self.encoding.is_counts and int(self.sums.min()) >= 0)

    def _grown(self, updates: int) -> int:
        """By how much so many updates change a squared norm at most.

        With D for what they add to a published sum P it is 2 P.D + |D|^2. One update adds at most `value`
        to a feature and `total` to all of them in magnitude, so that after n of them ``|P.D|`` is at most
        n total max |P|, and n value sum |P|; and ``|D|^2`` at most n value times n total.
        """
        encoding = self.encoding
        value = self.max_value * self.grain
        # Pairs name a feature once, indices `max_count` times at most; both count in `value`.
        each = self.grain if encoding.is_counts else value
        total = min(encoding.max_length * each, encoding.n_features * value)
        largest = int(np.abs(self.sums).max())
        crossed = min(total * largest, value * max(self.magnitudes))
        return updates * (2 * crossed + updates * value * total)

    @property
    def delta_table(self) -> DeltaTable:
        """What updates add to the sums."""
        return DeltaTable(
            self.encoding.n_features,
            self.model.n_classes,
            self.digits,
            not self.encoding.is_sparse,
            True,
            f"in which {self.proved_updates} updates are proved safe",
            grows=self.encoding.is_counts,
            step=self.grain if self.encoding.is_counts else self.digits.longest_step,
            whole_rows=not self.encoding.is_sparse,
        )

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
