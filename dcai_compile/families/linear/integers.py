"""A linear model as doubles and as integers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

from dcai_compile.families.linear.grid import Grid
from dcai_compile.families.linear.plan import StepPlan, intercept_decay
from dcai_compile.families.linear.steps import RULES, Rule, StepConstants
from dcai_compile.families.linear.unfolded import Unfolded
from dcai_compile.fixed import ONE_X64
from dcai_compile.model import IntegerModel, Model
from dcai_compile.tiles import PACKED_BITS, Tiles, tiles_of


@dataclass(frozen=True)
class StepRequest:
    """A training step asked for: rule, learning rate (C for pa1, pa2), epsilon, intercept or not."""

    rule: str
    learning_rate: float
    epsilon: float
    fit_intercept: bool


@dataclass(frozen=True)
class LinearModel(Model):
    """A trained linear classifier.

    Attributes
    ----------
    coef : float64, shape (n_rows, n_features); one row for two classes, else one a class.
    intercept : float64, shape (n_rows,).
    dtype : the type that it was trained in, ``"float64"`` or ``"float32"``.
    step : how it goes on learning; None for a frozen model.
    unfolded : where preprocessing is folded in, the parameters before that.
    """

    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    dtype: str
    step: StepRequest | None
    unfolded: Unfolded | None = None


@dataclass(frozen=True)
class LinearIntegers(IntegerModel):
    """A linear classifier on its grid, with its training step."""

    model: LinearModel
    grid: Grid
    plan: StepPlan | None

    @property
    def n_rows(self) -> int:
        """Number of scores."""
        return int(self.grid.weights.shape[0])

    @property
    def tiles(self) -> Tiles | None:
        """How dense samples are multiplied; None where not in tiles."""
        bits, features = self.grid.bits, self.encoding.n_features
        # A slot of learned lanes has 16 bits for each.
        width = max(PACKED_BITS, bits) if self.plan else bits
        return tiles_of(
            self.encoding,
            Tiles(self.n_rows, features, bits, 1 << (bits - 1), width),
            self.plan.max_value if self.plan else 0,
        )

    @property
    def score_unit(self) -> Fraction:
        """The real value of one unit of a score."""
        return self.grid.score_unit(self.encoding)

    @property
    def rule(self) -> Rule | None:
        """The training step's rule."""
        return RULES[self.plan.rule] if self.plan else None

    @property
    def intercept_step(self) -> int:
        """Units of a score by which ``T = divisor`` moves the intercept."""
        decay = intercept_decay(self.encoding)
        return int(decay * self.encoding.scale**2 * self.grid.factor_k * self.grid.factor_e)

    def constants(self) -> StepConstants:
        """The integers behind the training step."""
        assert self.plan is not None
        unit = self.score_unit
        # 2**96 <= mantissa < 2**98: the product with any score of a sample stays below 2**255.
        shift = 96 - 64 + unit.denominator.bit_length() - unit.numerator.bit_length()
        epsilon = Fraction(self.plan.epsilon)
        square = self.encoding.scale**2
        return StepConstants(
            one=floor(1 / unit),
            unit_mantissa=round(unit * (1 << (64 + shift))),
            unit_shift=shift,
            low=-floor(-(1 - epsilon) / unit) - 1,
            high=floor((1 + epsilon) / unit),
            epsilon_x64=round(epsilon * ONE_X64),
            c_x64=round(Fraction(self.plan.c) * ONE_X64),
            half_over_c=round(square * ONE_X64 / (2 * Fraction(self.plan.c))),
            scale_squared=square,
        )
