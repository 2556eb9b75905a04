"""What a family asks the layout to keep: tables in code, lanes in storage, constants."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from numpy.typing import NDArray

from dcai_compile.digits import Digits


@dataclass(frozen=True)
class CodeTable:
    """An immutable table of equal signed lanes in contract code.

    Attributes
    ----------
    values : shape (n_rows, n_lanes), int64, or Python integers where `bits` is more than 64.
    bits : width of a lane.
    title : what the lanes are, in the plural.
    row_title : what a row is, in the singular.
    units : the real value of one unit, a lane of a row.
    bias : what is added to each in code, so that none is negative there.
    """

    values: NDArray[Any]
    bits: int
    title: str
    row_title: str
    units: tuple[Fraction, ...]
    bias: int = 0

    @property
    def rows_title(self) -> str:
        """What rows are, in the plural: "features", "words of 16 features"."""
        noun, *rest = self.row_title.split(" ")
        return " ".join([f"{noun}s", *rest])


@dataclass(frozen=True)
class StorageTable:
    """A run of equal signed storage lanes, all 0 at first.

    Attributes
    ----------
    reason : why they are as wide.
    flagged : whether the template heeds `Layout.moved_bit`, and does not read lanes that are all 0.
    """

    name: str
    lanes: int
    bits: int
    reason: str
    flagged: bool = False


@dataclass(frozen=True)
class Field:
    """A number in a record, of any width; `title` is what it is, in words."""

    name: str
    bits: int
    title: str
    signed: bool = False

    @property
    def maximum(self) -> int:
        """The largest number that fits."""
        return (1 << (self.bits - self.signed)) - 1

    @property
    def minimum(self) -> int:
        """The smallest."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def mask(self) -> int:
        """All its bits."""
        return (1 << self.bits) - 1


@dataclass(frozen=True)
class RecordTable:
    """Numbers that every update of a class changes: a record a class, as narrow as they may be, all 0 at first.

    Attributes
    ----------
    records : how many.
    fields : of a record, from its lowest bits on. A state has them one after the other, record by record.
    reason : why they are as wide.
    """

    name: str
    records: int
    fields: tuple[Field, ...]
    reason: str

    @property
    def flagged(self) -> bool:
        """Whether the template heeds `Layout.moved_bit`: never."""
        return False

    @property
    def bits(self) -> int:
        """Width of a record."""
        return sum(field.bits for field in self.fields)

    @property
    def lanes(self) -> int:
        """Numbers in a state."""
        return self.records * len(self.fields)


@dataclass(frozen=True)
class DeltaTable:
    """What updates add to the parameters of the features: `rows` lanes each, feature by feature.

    Attributes
    ----------
    features, rows : how many; a row is a class or a score.
    digits : how a lane is written.
    dense : whether every sample has all features.
    one_row : whether an update changes the lanes of one row only.
    whole_rows : whether a dense prediction takes what was published and what was learned of a row that was
        taught in one go, and has no use for products of what was published where all rows were.
    grows : whether no update makes a lane smaller.
    step : what a lesson typically moves the lane of a feature by that its sample has; 0 where that is not
        known, and the low digit stays as wide as it is.
    """

    features: int
    rows: int
    digits: Digits
    dense: bool
    one_row: bool
    reason: str
    name: str = "delta"
    grows: bool = False
    step: int = 0
    whole_rows: bool = False

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        return self.features * self.rows


@dataclass(frozen=True)
class Constant:
    """One line of constants in a contract, with the real value it stands for."""

    type: str
    name: str
    literal: str
    comment: str
