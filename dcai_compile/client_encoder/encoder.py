"""The chain of steps as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from dcai_compile.client_encoder.step import Step, read_step, step_facts
from dcai_compile.client_encoder.text import as_texts
from dcai_compile.encoding import Matrix, as_samples
from dcai_compile.errors import SampleOutOfRange

VERSION = 1


@dataclass(frozen=True)
class ClientEncoder:
    """Steps from raw input to features.

    Attributes
    ----------
    steps : in the order in which they are applied.
    n_inputs : columns of raw input; 0 for one text a sample.
    n_features : columns that come out.
    """

    steps: tuple[Step, ...]
    n_inputs: int
    n_features: int

    def transform(self, X: Any) -> Matrix:
        """Features, (n_samples, n_features), of raw samples; raises `SampleOutOfRange`."""
        rows = self._raw(X)
        for step in self.steps:
            rows = step.transform(rows)
        return as_samples(rows, self.n_features)

    def _raw(self, X: Any) -> Any:
        if self.n_inputs == 0:
            return as_texts(X)
        if not (self.steps and self.steps[0].takes_any):
            return as_samples(X, self.n_inputs)
        rows = X if sparse.issparse(X) else np.asarray(X)
        if rows.ndim != 2 or rows.shape[1] != self.n_inputs:
            raise SampleOutOfRange(
                f"samples have shape {rows.shape}, the model has {self.n_inputs} columns",
                hint=f"pass an array of shape (n_samples, {self.n_inputs})",
            )
        return rows

    def __str__(self) -> str:
        return ", ".join(step.kind for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """The encoder as JSON values."""
        return {
            "version": VERSION,
            "n_inputs": self.n_inputs,
            "n_features": self.n_features,
            "steps": [step_facts(step) for step in self.steps],
        }

    def to_json(self) -> bytes:
        """`to_dict` as bytes: the same encoder gives the same bytes on any machine."""
        return (json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":")) + "\n").encode()

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> ClientEncoder:
        """The inverse of `to_dict`. Raises `ValueError`, `KeyError` or `TypeError` if damaged."""
        if facts["version"] != VERSION:
            raise ValueError(f"client encoder of version {facts['version']!r}, expected {VERSION}")
        steps = tuple(read_step(step) for step in facts["steps"])
        return cls(steps, int(facts["n_inputs"]), int(facts["n_features"]))
