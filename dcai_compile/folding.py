"""Affine preprocessing as part of a linear model: ``w (A x + t) + b`` is ``(w A) x + (w t + b)``.

Computed back to front, step by step, with sums that `math.fsum` rounds once, so that no machine's
order of addition shows in what is published. Beside each folded parameter goes the same sum with
every term taken as its magnitude: times gamma of the number of roundings on the way it bounds what
doubles lost, ours here and scikit-learn's in its own evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from dcai_compile.client_encoder import (
    Add,
    Columns,
    Divide,
    Multiply,
    Project,
    Select,
    Step,
    Subtract,
    TfIdf,
)
from dcai_compile.client_encoder.step import width_after

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Folded:
    """A linear model of raw values.

    Attributes
    ----------
    coef, intercept : shapes (n_rows, n_inputs) and (n_rows,).
    abs_coef, abs_intercept : the same sums of magnitudes.
    depth : roundings on the longest way from a raw value to a score.
    """

    coef: Table
    intercept: Table
    abs_coef: Table
    abs_intercept: Table
    depth: int


def fold(steps: Sequence[Step], n_inputs: int, coef: Table, intercept: Table) -> Folded | None:
    """A linear model behind `steps` as one of raw values; None where a step is not affine."""
    depth = coef.shape[1] + 4
    folded = Folded(coef, intercept, np.abs(coef), np.abs(intercept), depth)
    for place in range(len(steps) - 1, -1, -1):
        behind = _fold_step(steps[place], width_after(steps[:place], n_inputs), folded)
        if behind is None:
            return None
        folded = behind
    return folded


def _fold_step(step: Step, width: int, model: Folded) -> Folded | None:
    if isinstance(step, Subtract):
        return _shift(model, -np.array(step.values))
    if isinstance(step, Add):
        return _shift(model, np.array(step.values))
    if isinstance(step, Multiply):
        return _scale(model, model.coef * np.array(step.values), np.abs(step.values))
    if isinstance(step, Divide):
        return _scale(model, model.coef / np.array(step.values), 1.0 / np.abs(step.values))
    if isinstance(step, TfIdf) and not step.sublinear:
        idf = np.ones(width) if step.idf is None else np.array(step.idf)
        return _scale(model, model.coef * idf, np.abs(idf))
    if isinstance(step, Select):
        return _scatter(model, step.indices, width)
    if isinstance(step, Project):
        return _project(model, np.array(step.matrix))
    if isinstance(step, Columns):
        return _columns(step, width, model)
    return None


def _shift(model: Folded, shift: Table) -> Folded:
    moved = [
        fsum([b, *(w * v for w, v in zip(row, shift.tolist(), strict=True))])
        for row, b in zip(model.coef.tolist(), model.intercept.tolist(), strict=True)
    ]
    sizes = [
        fsum([b, *(w * abs(v) for w, v in zip(row, shift.tolist(), strict=True))])
        for row, b in zip(model.abs_coef.tolist(), model.abs_intercept.tolist(), strict=True)
    ]
    depth = model.depth + 2
    return Folded(model.coef, np.array(moved), model.abs_coef, np.array(sizes), depth)


def _scale(model: Folded, coef: Table, factor: Table) -> Folded:
    sizes = model.abs_coef * factor
    return Folded(coef, model.intercept, sizes, model.abs_intercept, model.depth + 4)


def _scatter(model: Folded, indices: Sequence[int], width: int) -> Folded:
    coef, sizes = (np.zeros((len(model.coef), width)) for _ in range(2))
    # Several outputs may come from one column, of a part of a ColumnTransformer for instance.
    for place, index in enumerate(indices):
        coef[:, index] += model.coef[:, place]
        sizes[:, index] += model.abs_coef[:, place]
    depth = model.depth + (len(indices) - len(set(indices)))
    return Folded(coef, model.intercept, sizes, model.abs_intercept, depth)


def _project(model: Folded, matrix: Table) -> Folded:
    depth = model.depth + sum(matrix.shape) + 2
    coef = _product(matrix, model.coef)
    sizes = _product(np.abs(matrix), model.abs_coef)
    return Folded(coef, model.intercept, sizes, model.abs_intercept, depth)


def _product(matrix: Table, coef: Table) -> Table:
    """``coef @ matrix.T``, every sum rounded once."""
    rows = [
        [fsum(w * m for w, m in zip(weights, row, strict=True)) for row in matrix.tolist()]
        for weights in coef.tolist()
    ]
    return np.array(rows).reshape(len(coef), len(matrix))


def _columns(step: Columns, width: int, model: Folded) -> Folded | None:
    coef, sizes = (np.zeros((len(model.coef), width)) for _ in range(2))
    intercept, base, depth, first = model.intercept, model.abs_intercept, model.depth, 0
    for block in step.blocks:
        columns = len(block.columns)
        if block.single:
            return None
        produced = block.width(width)
        part = slice(first, first + produced)
        first += produced
        inner = Folded(model.coef[:, part], intercept, model.abs_coef[:, part], base, model.depth)
        for place in range(len(block.steps) - 1, -1, -1):
            before = width_after(block.steps[:place], columns)
            behind = _fold_step(block.steps[place], before, inner)
            if behind is None:
                return None
            inner = behind
        spread = _scatter(inner, block.columns, width)
        coef, sizes = coef + spread.coef, sizes + spread.abs_coef
        intercept, base = inner.intercept, inner.abs_intercept
        depth = max(depth, spread.depth + len(step.blocks))
    return Folded(coef, intercept, sizes, base, depth)
