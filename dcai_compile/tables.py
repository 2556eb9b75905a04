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
    biased : whether half of what a lane can be is added to each, so that none is negative in code.
    """

    values: NDArray[Any]
    bits: int
    title: str
    row_title: str
    units: tuple[Fraction, ...]
    biased: bool = False


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
