"""Steps on columns that hold one of a few values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from scipy import sparse

from dcai_compile.client_encoder.step import Step, plain, refuse
from dcai_compile.encoding import Matrix

Known: TypeAlias = tuple[tuple[Any, ...], ...]
"""The values that each column may hold, in order."""

SHOWN = 12


def _read(categories: Any) -> Known:
    return tuple(tuple(values) for values in categories)


def _positions(values: tuple[Any, ...]) -> dict[Any, int]:
    return {value: position for position, value in enumerate(values)}


def _unknown(row: int, column: int, value: Any, known: tuple[Any, ...]) -> Exception:
    shown = ", ".join(repr(entry) for entry in known[:SHOWN])
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    why = f"is none of the {len(known)} categories that training saw"
    return refuse(row, column, value, why, f"its categories are {shown}{more}")


def _dense(X: Any) -> Any:
    return X.toarray() if sparse.issparse(X) else np.asarray(X)


def _one_hot(columns: list[list[int]], width: int) -> sparse.csr_array:
    """Rows with a 1 in each of the columns listed."""
    lengths = np.array([len(row) for row in columns], np.int64)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    indices = np.array([column for row in columns for column in row], np.int32)
    data = np.ones(len(indices), np.float64)
    return sparse.csr_array((data, indices, indptr), shape=(len(columns), width))


@dataclass(frozen=True)
class Categories(Step):
    """Codes from 0 on, as CategoricalNB takes them."""

    kind: ClassVar[str] = "categories"
    gives_sparse: ClassVar[bool] = True
    sizes: tuple[int, ...]

    def transform(self, X: Any) -> Matrix:
        firsts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(int).tolist()
        rows = []
        for number, row in enumerate(_dense(X).tolist()):
            for column, (value, size) in enumerate(zip(row, self.sizes, strict=True)):
                if not (value == value and value == int(value) and 0 <= value < size):
                    why = f"is no category from 0 to {size - 1}"
                    hint = "train with every category, or with min_categories"
                    raise refuse(number, column, value, why, hint)
            rows.append([first + int(value) for first, value in zip(firsts, row, strict=True)])
        return _one_hot(rows, sum(self.sizes))

    def width(self, n_in: int) -> int:
        return sum(self.sizes)

    def facts(self) -> dict[str, Any]:
        return {"sizes": list(self.sizes)}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Step:
        return cls(tuple(int(size) for size in facts["sizes"]))


@dataclass(frozen=True)
class OneHot(Step):
    """A column for each category."""

    kind: ClassVar[str] = "one_hot"
    gives_sparse: ClassVar[bool] = True
    takes_any: ClassVar[bool] = True
    categories: Known
    drop: tuple[int | None, ...]
    unknown: str

    def transform(self, X: Any) -> Matrix:
        tables, width = self._columns()
        rows = []
        for number, row in enumerate(_dense(X).tolist()):
            present = []
            for column, value in enumerate(row):
                place = tables[column].get(plain(value), -1)
                if place == -1 and self.unknown == "error":
                    raise _unknown(number, column, value, self.categories[column])
                if place is not None and place >= 0:
                    present.append(place)
            rows.append(present)
        return _one_hot(rows, width)

    def width(self, n_in: int) -> int:
        return self._columns()[1]

    def _columns(self) -> tuple[list[dict[Any, int | None]], int]:
        """The output column of each category of each column, None for one that is dropped."""
        tables: list[dict[Any, int | None]] = []
        width = 0
        for values, dropped in zip(self.categories, self.drop, strict=True):
            table: dict[Any, int | None] = {}
            for position, value in enumerate(values):
                if position == dropped:
                    table[value] = None
                else:
                    table[value] = width
                    width += 1
            tables.append(table)
        return tables, width

    def facts(self) -> dict[str, Any]:
        return {
            "categories": [list(values) for values in self.categories],
            "drop": list(self.drop),
            "unknown": self.unknown,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Step:
        return cls(_read(facts["categories"]), tuple(facts["drop"]), facts["unknown"])


@dataclass(frozen=True)
class Ordinal(Step):
    """A category's position among those of its column."""

    kind: ClassVar[str] = "ordinal"
    takes_any: ClassVar[bool] = True
    categories: Known

    def transform(self, X: Any) -> Matrix:
        tables = [_positions(values) for values in self.categories]
        rows = []
        for number, row in enumerate(_dense(X).tolist()):
            for column, value in enumerate(row):
                if plain(value) not in tables[column]:
                    raise _unknown(number, column, value, self.categories[column])
            rows.append([float(table[plain(v)]) for table, v in zip(tables, row, strict=True)])
        return np.array(rows, np.float64).reshape(len(rows), len(tables))

    def facts(self) -> dict[str, Any]:
        return {"categories": [list(values) for values in self.categories]}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Step:
        return cls(_read(facts["categories"]))
