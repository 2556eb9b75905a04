"""One step of a client encoder, and how steps are written to JSON and read back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from dcai_compile.encoding import Matrix
from dcai_compile.errors import SampleOutOfRange

_kinds: dict[str, type[Step]] = {}


class Step(ABC):
    """Rows in, rows out. Subclasses are frozen dataclasses whose fields are the JSON's."""

    kind: ClassVar[str]
    takes_any: ClassVar[bool] = False
    """Whether it takes columns of anything, and not of numbers only."""

    takes_text: ClassVar[bool] = False
    """Whether it takes texts, one a sample."""

    gives_sparse: ClassVar[bool] = False
    """Whether it gives sparse rows, whatever it takes."""

    def __init_subclass__(cls) -> None:
        _kinds[cls.kind] = cls

    @abstractmethod
    def transform(self, X: Any) -> Matrix:
        """Rows of `X`, (n_samples, n_in) or texts, transformed; raises `SampleOutOfRange`."""

    def width(self, n_in: int) -> int:
        """Columns that come out where `n_in` go in."""
        return n_in

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """The step's fields as JSON values, apart from its kind."""

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Step:
        """The inverse of `facts`."""
        return cls(**facts)


def step_facts(step: Step) -> dict[str, Any]:
    """A step as JSON."""
    return {"kind": step.kind, **step.facts()}


def width_after(steps: Sequence[Step], n_in: int) -> int:
    """Columns that come out of several steps."""
    for step in steps:
        n_in = step.width(n_in)
    return n_in


def read_step(facts: Mapping[str, Any]) -> Step:
    """A step from JSON. Raises `ValueError` for an unknown kind."""
    kind = facts.get("kind")
    if kind not in _kinds:
        raise ValueError(f"no step of a client encoder is of kind {kind!r}")
    return _kinds[kind].from_facts({key: value for key, value in facts.items() if key != "kind"})


def as_doubles(X: Any) -> Matrix:
    """Numbers as float64, sparse or dense, without changing what the caller holds."""
    if sparse.issparse(X):
        return sparse.csr_array(X, dtype=np.float64, copy=True)
    return np.array(X, dtype=np.float64)


def refuse(row: int, column: int, value: Any, why: str, hint: str) -> SampleOutOfRange:
    """The error for a value that a step cannot take."""
    number = float(value) if isinstance(value, int | float | np.number) else float("nan")
    return SampleOutOfRange(
        f"sample {row}, column {column}: {value!r} {why}",
        hint=hint,
        sample=row,
        feature=column,
        value=number,
    )


def plain(value: Any) -> Any:
    """A numpy scalar as the Python value that it is."""
    return value.item() if isinstance(value, np.generic) else value


def plain_list(values: Sequence[Any] | Any) -> list[Any]:
    """A sequence or array of one dimension as plain values."""
    return [plain(value) for value in values]
