"""What a family must be able to do: nothing outside its files knows more of it than what stands here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dcai_compile.client_encoder import ClientEncoder
from dcai_compile.encoding import ENCODINGS, Encoding, EncodingName, Matrix, Sample
from dcai_compile.errors import UnsupportedModel
from dcai_compile.model import (
    Arrays,
    Facts,
    IntegerModel,
    Mirror,
    Model,
    Options,
)
from dcai_compile.tables import CodeTable, DeltaTable, RecordTable, StorageTable


@dataclass(frozen=True)
class Refusal:
    """A setting that is refused by name, why, and what to do instead."""

    what: str
    why: str
    way_out: str


class LearningCheck(ABC):
    """Follows a stream of updates with scikit-learn's own `partial_fit` beside the mirror."""

    @abstractmethod
    def step(self, x: Any, sample: Sample, classification: int) -> None:
        """Advance the scikit-learn copy and the bound by one sample that the mirror has accepted."""

    @abstractmethod
    def drift(self, mirror: Mirror) -> float:
        """Distance between the mirror's parameters and the copy's, in the norm of `bound`."""

    @property
    @abstractmethod
    def bound(self) -> float:
        """What `drift` is proved not to exceed."""


class Family(ABC):
    """All that the rest of the compiler needs to know of a model family."""

    name: ClassVar[str]
    template: ClassVar[str]
    templates: ClassVar[Traversable | None] = None
    """Where `template` and its partials are; None for this compiler's own folder."""

    takes_empty: ClassVar[bool] = False
    """Whether a sparse sample without any feature is a sample, too."""

    uses_labels: ClassVar[bool] = False
    """Whether `quantize` learns anything from the labels of the calibration samples."""

    prefers_counts: ClassVar[bool] = False
    """Whether listing whole counts is cheaper than sending them as values, even where few are 0."""

    refusals: ClassVar[tuple[Refusal, ...]] = ()
    """What is refused by name, and the way out."""

    def encodings(self, model: Model) -> tuple[EncodingName, ...]:
        """The encodings that suit a model, the one to fall back to first."""
        return ENCODINGS

    def fold(self, model: Model, before: ClientEncoder) -> Model | None:
        """`model` with the preprocessing `before` as part of its parameters; None if it cannot be."""
        return None

    @abstractmethod
    def quantize(
        self,
        model: Model,
        X: Matrix,
        y: NDArray[np.int64] | None,
        encoding: Encoding,
        options: Options,
    ) -> IntegerModel:
        """The smallest integers that keep every calibration sample's class.

        `X` are features, (n_samples, n_features), that the encoding can carry, and `y` their class
        indices, (n_samples,), where they are known.
        Raises `PrecisionUnreachable`, `OverflowPossible`, `InvalidOption`.
        """

    @abstractmethod
    def mirror(self, integers: IntegerModel) -> Mirror:
        """A fresh mirror, in the state of a fresh contract."""

    @abstractmethod
    def code_table(self, integers: IntegerModel) -> CodeTable:
        """The published parameters, to live in contract code."""

    @abstractmethod
    def storage_tables(
        self, integers: IntegerModel
    ) -> tuple[StorageTable | RecordTable | DeltaTable, ...]:
        """What updates change; empty for a frozen model."""

    @abstractmethod
    def context(self, integers: IntegerModel) -> Facts:
        """Ready rows for the template: constants, partials' names, summary lines."""

    @abstractmethod
    def error_bounds(
        self, integers: IntegerModel, X: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Per sample, shape (n_samples,) each: bound of our error, bound of scikit-learn's rounding."""

    @abstractmethod
    def reference(self, model: Model, X: Matrix) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """scikit-learn's own scores and labels of features `X`.

        The estimator that `model` was extracted from is rebuilt and asked. Scores have the shape of
        `Mirror.real_scores`, labels (n_samples,). Where preprocessing was folded in, `X` has been
        through it.
        """

    def to_dcai(self, mirror: Mirror) -> Facts:
        """DCAI's model JSON of a mirror's present parameters, where DCAI has such a model."""
        raise UnsupportedModel(
            f"DCAI has no model like {mirror.integers.model.estimator}",
            hint="its models are perceptrons of two classes, Naive Bayes on counts and centroids",
            estimator=mirror.integers.model.estimator,
        )

    @abstractmethod
    def learning_check(self, integers: IntegerModel) -> LearningCheck | None:
        """A fresh check of learning; None for a frozen model."""

    @abstractmethod
    def dump(self, integers: IntegerModel) -> tuple[Facts, Arrays]:
        """Everything needed to rebuild `integers`."""

    @abstractmethod
    def load(self, facts: Facts, arrays: Arrays, encoding: Encoding) -> IntegerModel:
        """The inverse of `dump`."""
