"""Different steps for different columns, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from dcai_compile.client_encoder.step import Step, as_doubles, read_step, step_facts, width_after
from dcai_compile.client_encoder.text import as_texts
from dcai_compile.encoding import Matrix
from dcai_compile.samples import as_numbers


@dataclass(frozen=True)
class Block:
    """The columns that it takes, and what happens to them; `single` for one column of texts."""

    columns: tuple[int, ...]
    single: bool
    steps: tuple[Step, ...]

    def transform(self, X: Any) -> Matrix:
        """The block's output for rows of all columns, or for texts."""
        rows: Any = X
        if self.single:
            rows = as_texts(X if np.ndim(X) == 1 else X[:, self.columns[0]])
        elif not self._takes_texts():
            rows = X[:, list(self.columns)]
            if not (self.steps and self.steps[0].takes_any):
                rows = rows if sparse.issparse(rows) else as_numbers(np.asarray(rows))
        for step in self.steps:
            rows = step.transform(rows)
        return rows

    def width(self, n_in: int) -> int:
        """Columns that come out."""
        return width_after(self.steps, len(self.columns) or n_in)

    def _takes_texts(self) -> bool:
        return bool(self.steps) and self.steps[0].takes_text


@dataclass(frozen=True)
class Columns(Step):
    """The outputs of several blocks next to each other."""

    kind: ClassVar[str] = "columns"
    takes_any: ClassVar[bool] = True
    blocks: tuple[Block, ...]
    sparse: bool

    def transform(self, X: Any) -> Matrix:
        parts = [as_doubles(block.transform(X)) for block in self.blocks]
        if self.sparse:
            return sparse.hstack([sparse.csr_array(part) for part in parts]).tocsr()
        dense = [part.toarray() if sparse.issparse(part) else part for part in parts]
        return np.hstack(dense)

    def width(self, n_in: int) -> int:
        return sum(block.width(n_in) for block in self.blocks)

    def facts(self) -> dict[str, Any]:
        return {
            "blocks": [
                {
                    "columns": list(block.columns),
                    "single": block.single,
                    "steps": [step_facts(step) for step in block.steps],
                }
                for block in self.blocks
            ],
            "sparse": self.sparse,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Step:
        blocks = tuple(
            Block(
                tuple(int(column) for column in block["columns"]),
                bool(block["single"]),
                tuple(read_step(step) for step in block["steps"]),
            )
            for block in facts["blocks"]
        )
        return cls(blocks, bool(facts["sparse"]))
