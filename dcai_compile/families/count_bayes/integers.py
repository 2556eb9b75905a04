"""A Naive Bayes model on counts, as doubles and as integers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dcai_compile import bigfloat
from dcai_compile.digits import Digits
from dcai_compile.model import IntegerModel, Model
from dcai_compile.tables import DeltaTable, Field

KINDS = ("multinomial", "complement", "bernoulli", "categorical")


@dataclass(frozen=True)
class CountModel(Model):
    """What scikit-learn counted.

    Attributes
    ----------
    kind : one of `KINDS`.
    counts : per class and feature, float64, shape (n_classes, n_features). A feature of a
        categorical model is a category of a column.
    class_counts : samples of a class, float64, shape (n_classes,).
    alpha : smoothing of each feature, float64, shape (n_features,).
    class_prior : fixed probabilities of the classes; None where they follow the class counts.
    norm : whether a complement model divides its weights by their sum.
    sizes : number of categories of each column of a categorical model.
    frozen : whether it never changes.
    """

    kind: str
    counts: NDArray[np.float64]
    class_counts: NDArray[np.float64]
    alpha: NDArray[np.float64]
    class_prior: tuple[float, ...] | None
    norm: bool
    sizes: tuple[int, ...]
    frozen: bool

    @property
    def n_classes(self) -> int:
        """Number of classes, and of scores."""
        return len(self.classes)

    @property
    def has_prior(self) -> bool:
        """Whether the probability of a class takes part in its score."""
        return self.kind != "complement"


@dataclass(frozen=True)
class CountIntegers(IntegerModel):
    """Counts in units, ready for a contract.

    Attributes
    ----------
    grain : units of a count per wire unit, more than 1 only where sample weights made fractions.
    counts : units, int64, shape (n_classes, n_features).
    class_counts : in ``1 / grain`` samples.
    factor_m, alpha : a numerator is ``count * factor_m + alpha``; `alpha` one a feature.
    base_bits : lane width of the published counts.
    lane_bits, low_bits : widths of a lane of counts that updates add, and of its low digit; 0 for a
        frozen model.
    sample_bits, total_bits : widths of what updates add to a class's samples, and to all that was counted in
        them.
    factor_bits : width that no numerator, and no class's samples, can exceed, whatever the lanes hold.
    max_value : the largest wire value that `update` takes.
    proved_updates : number of updates for which no lane can overflow.
    """

    model: CountModel
    grain: int
    counts: NDArray[np.int64]
    class_counts: tuple[int, ...]
    factor_m: int
    alpha: tuple[int, ...]
    base_bits: int
    lane_bits: int
    low_bits: int
    sample_bits: int
    total_bits: int
    factor_bits: int
    max_value: int
    proved_updates: int

    @property
    def unit(self) -> Fraction:
        """The real value of one unit of a count."""
        return Fraction(1, self.encoding.scale * self.grain)

    @property
    def digits(self) -> Digits:
        """How an added lane is written."""
        return Digits(self.lane_bits, self.low_bits)

    @property
    def fields(self) -> tuple[Field, Field]:
        """What is kept of a class beside its counts."""
        return self._fields(self.sample_bits, self.total_bits)

    def fields_for(self, updates: int) -> tuple[Field, Field]:
        """`fields` as wide as so many updates of a class are proved to need."""
        encoding = self.encoding
        # An index stands for one wire unit, a value for up to `max_value` of them.
        counted = encoding.max_length * (1 if encoding.is_counts else self.max_value)
        samples, total = (updates * self.grain * step for step in (1, counted))
        return self._fields(samples.bit_length(), total.bit_length())

    def _fields(self, samples: int, total: int) -> tuple[Field, Field]:
        return Field("samples", samples, "the samples"), Field(
            "total", total, "all that was counted"
        )

    @property
    def delta_table(self) -> DeltaTable:
        """What updates add to the counts."""
        return DeltaTable(
            self.encoding.n_features,
            self.model.n_classes,
            self.digits,
            not self.encoding.is_sparse,
            True,
            f"in which {self.proved_updates} updates are proved safe",
            grows=True,
            step=self.grain if self.encoding.is_counts else self.digits.longest_step,
        )

    @property
    def updatable(self) -> bool:
        """Whether updates are possible."""
        return self.lane_bits > 0

    @property
    def uniform_alpha(self) -> bool:
        """Whether one number smooths every feature."""
        return len(set(self.alpha)) == 1

    @property
    def prior_is_factor(self) -> bool:
        """Whether a class's samples are one factor more of its numerators, than which they are never wider."""
        plain = self.model.kind == "multinomial" and self.encoding.is_counts
        return plain and self.uniform_alpha and self.priors is None

    @cached_property
    def alpha_sum(self) -> int:
        """Sum of all smoothing, in units of a numerator."""
        return sum(self.alpha)

    @cached_property
    def totals(self) -> tuple[int, ...]:
        """Units counted of a class in all, as published."""
        return tuple(int(row.sum()) for row in self.counts.astype(object))

    @cached_property
    def priors(self) -> tuple[int, ...] | None:
        """Fixed probabilities to the power of the wire's scale, packed; None where they follow counts."""
        if self.model.class_prior is None:
            return None
        packed = []
        for p in self.model.class_prior:
            if p == 0.0:
                packed.append(bigfloat.ZERO)
                continue
            number = bigfloat.from_fraction(Fraction(p))
            packed.append(bigfloat.pack(*bigfloat.power(*number, self.encoding.scale)))
        return tuple(packed)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Index of each column's first category, of a categorical model."""
        firsts = [0]
        for size in self.model.sizes[:-1]:
            firsts.append(firsts[-1] + size)
        return tuple(firsts)

    @cached_property
    def log_products(self) -> tuple[int, ...]:
        """For normed weights: the product of a class's published complement numerators, packed."""
        if not self.model.norm:
            return ()
        all_counts = [int(c) for c in self.counts.astype(object).sum(axis=0)]
        packed = []
        for row in self.counts.tolist():
            number = (1, 0)
            for every, own, alpha in zip(all_counts, row, self.alpha, strict=True):
                factor = (every - own) * self.factor_m + alpha
                number = bigfloat.mul_small(*number, factor, self.factor_bits)
            packed.append(bigfloat.pack(*bigfloat.normalize(*number)))
        return tuple(packed)
