"""Steps on rows of numbers. Each does what scikit-learn does, operation by operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.client_encoder.step import Step, as_doubles
from dcai_compile.encoding import Matrix
from dcai_compile.errors import SampleOutOfRange

NEARLY_ZERO = 10 * np.finfo(np.float64).eps
"""Norms of dense rows below this are taken as 1, as scikit-learn does (`_handle_zeros_in_scale`)."""


@dataclass(frozen=True)
class _Vector(Step):
    """A step with one number a column."""

    kind: ClassVar[str] = "vector"
    values: tuple[float, ...]

    def facts(self) -> dict[str, Any]:
        return {"values": list(self.values)}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Step:
        return cls(tuple(float(value) for value in facts["values"]))

    def _array(self) -> NDArray[np.float64]:
        return np.array(self.values, np.float64)

    def transform(self, X: Any) -> Matrix:
        rows = as_doubles(X)
        if sparse.issparse(rows):
            return self._sparse(rows)
        return self._dense(rows)

    def _sparse(self, rows: Any) -> Matrix:
        return self._dense(rows.toarray())

    def _dense(self, rows: NDArray[np.float64]) -> Matrix:
        raise NotImplementedError


@dataclass(frozen=True)
class Subtract(_Vector):
    """``x - v``."""

    kind: ClassVar[str] = "subtract"

    def _dense(self, rows: NDArray[np.float64]) -> Matrix:
        return rows - self._array()


@dataclass(frozen=True)
class Add(_Vector):
    """``x + v``."""

    kind: ClassVar[str] = "add"

    def _dense(self, rows: NDArray[np.float64]) -> Matrix:
        return rows + self._array()


@dataclass(frozen=True)
class Multiply(_Vector):
    """``x * v``."""

    kind: ClassVar[str] = "multiply"

    def _dense(self, rows: NDArray[np.float64]) -> Matrix:
        return rows * self._array()

    def _sparse(self, rows: Any) -> Matrix:
        rows.data *= self._array()[rows.indices]
        return rows


@dataclass(frozen=True)
class Divide(_Vector):
    """``x / v``; sparse rows are multiplied by ``1 / v``, as scikit-learn does."""

    kind: ClassVar[str] = "divide"

    def _dense(self, rows: NDArray[np.float64]) -> Matrix:
        return rows / self._array()

    def _sparse(self, rows: Any) -> Matrix:
        rows.data *= (1.0 / self._array())[rows.indices]
        return rows


@dataclass(frozen=True)
class Select(Step):
    """Some of the columns, in a given order."""

    kind: ClassVar[str] = "select"
    indices: tuple[int, ...]

    def transform(self, X: Any) -> Matrix:
        return X[:, list(self.indices)]

    def width(self, n_in: int) -> int:
        return len(self.indices)

    def facts(self) -> dict[str, Any]:
        return {"indices": list(self.indices)}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Step:
        return cls(tuple(int(index) for index in facts["indices"]))


@dataclass(frozen=True)
class Project(Step):
    """``x M``: equal to scikit-learn's up to the order in which a machine adds."""

    kind: ClassVar[str] = "project"
    matrix: tuple[tuple[float, ...], ...]

    def transform(self, X: Any) -> Matrix:
        return np.asarray(as_doubles(X) @ np.array(self.matrix, np.float64))

    def width(self, n_in: int) -> int:
        return len(self.matrix[0])

    def facts(self) -> dict[str, Any]:
        return {"matrix": [list(row) for row in self.matrix]}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Step:
        return cls(tuple(tuple(float(value) for value in row) for row in facts["matrix"]))


@dataclass(frozen=True)
class Normalize(Step):
    """Every row divided by its norm."""

    kind: ClassVar[str] = "normalize"
    norm: str

    def transform(self, X: Any) -> Matrix:
        rows = as_doubles(X)
        if not sparse.issparse(rows):
            norms = _dense_norms(rows, self.norm)
            norms[norms < NEARLY_ZERO] = 1.0
            return rows / norms.reshape(-1, 1)
        norms = np.array(
            [
                _sparse_norm(rows.data[start:end], self.norm)
                for start, end in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
            ]
        )
        spread = np.repeat(norms, np.diff(rows.indptr))
        present = spread != 0.0
        rows.data[present] /= spread[present]
        return rows

    def facts(self) -> dict[str, Any]:
        return {"norm": self.norm}


def _dense_norms(rows: NDArray[np.float64], norm: str) -> NDArray[np.float64]:
    if norm == "l1":
        return np.asarray(np.abs(rows).sum(axis=1))
    if norm == "max":
        return np.asarray(np.abs(rows).max(axis=1))
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))


def _sparse_norm(data: NDArray[np.float64], norm: str) -> float:
    """Added from the first to the last, as scikit-learn's loop does; `cumsum` keeps that order."""
    if not len(data):
        return 0.0
    if norm == "max":
        return float(np.abs(data).max())
    terms = np.abs(data) if norm == "l1" else data * data
    total = float(np.cumsum(terms)[-1])
    return total if norm == "l1" else float(np.sqrt(total))


@dataclass(frozen=True)
class Binarize(Step):
    """1 above the threshold, else 0."""

    kind: ClassVar[str] = "binarize"
    threshold: float

    def transform(self, X: Any) -> Matrix:
        rows = as_doubles(X)
        _check_numbers(rows)
        if not sparse.issparse(rows):
            return (rows > self.threshold).astype(np.float64)
        if self.threshold < 0.0:
            return (rows.toarray() > self.threshold).astype(np.float64)
        rows.data = (rows.data > self.threshold).astype(np.float64)
        rows.eliminate_zeros()
        return rows

    def facts(self) -> dict[str, Any]:
        return {"threshold": self.threshold}


@dataclass(frozen=True)
class Flags(Step):
    """Values that are 0 or 1 already; any other is refused."""

    kind: ClassVar[str] = "flags"

    def transform(self, X: Any) -> Matrix:
        rows = as_doubles(X)
        values = rows.data if sparse.issparse(rows) else rows
        if not np.all((values == 0.0) | (values == 1.0)):
            wrong = values[(values != 0.0) & (values != 1.0)].ravel()
            raise SampleOutOfRange(
                f"a sample has the value {float(wrong[0])!r}, and the model takes 0 and 1",
                hint="train with binarize=, the threshold above which a value counts as 1",
                value=float(wrong[0]),
                limit=1.0,
            )
        return rows

    def facts(self) -> dict[str, Any]:
        return {}


def _check_numbers(rows: Matrix) -> None:
    """Nothing is above or below NaN."""
    values = rows.data if sparse.issparse(rows) else rows
    if not np.all(np.isfinite(values)):
        raise SampleOutOfRange(
            "a sample has a value that is not a finite number",
            hint="remove samples with missing values, or fill them in",
        )
