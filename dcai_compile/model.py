"""The nouns between extract and render, and what a family must be able to do.

    estimator ─extract→ Model ─quantize→ IntegerModel ─mirror→ Mirror

`Model` holds doubles exactly as scikit-learn trained them. `IntegerModel` holds integers only.
`Mirror` computes, in Python integers, what the contract computes on the EVM, reverts included.
Each family subclasses the three and one `Family`; nothing outside a family file knows more
about a family than what stands here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dcai_compile.encoding import Encoding, Sample
from dcai_compile.errors import SampleOutOfRange

ClassLabel: TypeAlias = str | int | float | bool
Arrays: TypeAlias = dict[str, NDArray[Any]]
Facts: TypeAlias = dict[str, Any]
"""JSON values only: together with `Arrays` enough to rebuild a model from an artifact."""


@dataclass(frozen=True)
class Options:
    """How to compile; every field is an argument of `compile_model` and an option of `dcai compile`."""

    name: str = "Classifier"
    description: str = ""
    class_names: tuple[str, ...] | None = None
    encoding: str = "auto"
    update: str = "auto"
    learning_rate: float | None = None
    weight_bits: int | str = "auto"
    horizon: int = 100_000
    evm_version: str = "cancun"


@dataclass(frozen=True)
class Model:
    """A trained model as doubles, free of scikit-learn.

    Attributes
    ----------
    family : the family's name; its file, template and golden contracts carry it.
    estimator : type name of the estimator, or of DCAI's own model.
    settings : the estimator's non-default parameters, by name, as Python literals.
    library : what trained it, with version.
    classes : labels in the order of the scores.
    n_features : number of features.
    feature_indices : which outputs of a shared encoder the features are; empty for all.
    """

    family: str
    estimator: str
    settings: Mapping[str, str]
    library: str
    classes: tuple[ClassLabel, ...]
    n_features: int
    feature_indices: tuple[int, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class CodeTable:
    """An immutable table of equal signed lanes, row by row: `values` has shape (n_rows, n_lanes)."""

    values: NDArray[np.int64]
    bits: int
    row_title: str


@dataclass(frozen=True)
class StorageTable:
    """A run of equal signed storage lanes, all 0 at first; `reason` says why they are as wide."""

    name: str
    lanes: int
    bits: int
    reason: str


@dataclass(frozen=True)
class Constant:
    """One line of constants in a contract, with the real value it stands for."""

    type: str
    name: str
    literal: str
    comment: str


@dataclass(frozen=True)
class IntegerModel:
    """A model as integers, ready to render.

    Attributes
    ----------
    model : where it came from.
    encoding : what a sample looks like on the wire.
    bound : no score of a sample within the calibration range differs from the exact score of
        `model` by more than this; proved, not sampled.
    """

    model: Model
    encoding: Encoding
    bound: float


class Revert(Exception):
    """A revert of the contract: the error's name and arguments, as the EVM returns them."""

    def __init__(self, name: str, *values: int) -> None:
        super().__init__(f"{name}({', '.join(map(str, values))})")
        self.name = name
        self.values = values


class Mirror(ABC):
    """The contract in Python integers: same steps, same order, same reverts, bit for bit."""

    integers: IntegerModel

    def __init__(self, integers: IntegerModel) -> None:
        self.integers = integers

    # Over encoded samples: what the contract sees.

    @abstractmethod
    def encode_check(self, sample: Sequence[int]) -> None:
        """ENCODE: raise the `Revert` that the contract raises for a sample it cannot read."""

    @abstractmethod
    def scores(self, samples: list[Sample]) -> NDArray[np.object_]:
        """SCORE: integer scores, shape (n_samples, n_rows), of valid samples."""

    @abstractmethod
    def decide(self, scores: Sequence[int]) -> int:
        """DECIDE: class index from one sample's scores."""

    @abstractmethod
    def update_encoded(self, sample: Sequence[int], classification: int) -> None:
        """UPDATE: one training step, or a `Revert` that changes nothing."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """Every storage lane by table name, in lane order."""

    @abstractmethod
    def parameters(self) -> list[int]:
        """What `parameters()` of the contract returns: every effective parameter."""

    @abstractmethod
    def probe_samples(self) -> list[list[int]]:
        """Encoded samples just below, at and just past every limit of the contract."""

    @abstractmethod
    def probe_scores(self) -> list[list[int]]:
        """Scores at ties and extremes, and of the wrong number."""

    # Over raw samples: what a data scientist has.

    @property
    @abstractmethod
    def score_unit(self) -> float:
        """The real value of one unit of a score."""

    def encode(self, X: Any) -> list[Sample]:
        """Samples as the contract takes them; raises `SampleOutOfRange`."""
        return self.integers.encoding.encode(X)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Scores in scikit-learn's shape: (n_samples,) for two classes, else (n_samples, n_classes)."""
        scores = self.scores(self.encode(X)).astype(np.float64) * self.score_unit
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Class labels, shape (n_samples,), as the contract decides."""
        labels = np.array(self.integers.model.classes)
        decided = [self.decide(row) for row in self.scores(self.encode(X))]
        return np.asarray(labels[decided])

    def update(self, x: Any, y: ClassLabel) -> None:
        """Teach one raw sample, shape (n_features,) or (1, n_features), with its label."""
        row = x if hasattr(x, "tocsr") or np.ndim(x) == 2 else np.asarray(x).reshape(1, -1)
        self.update_encoded(self.encode(row)[0].tolist(), class_index(self.integers.model, y))

    @abstractmethod
    def to_estimator(self) -> Any:
        """A scikit-learn estimator of the original type with the present parameters."""


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

    @abstractmethod
    def quantize(self, model: Model, X: Any, encoding: Encoding, options: Options) -> IntegerModel:
        """The smallest integers that keep every calibration sample's class.

        Raises `PrecisionUnreachable`, `OverflowPossible`, `InvalidOption`.
        """

    @abstractmethod
    def mirror(self, integers: IntegerModel) -> Mirror:
        """A fresh mirror, in the state of a fresh contract."""

    @abstractmethod
    def code_table(self, integers: IntegerModel) -> CodeTable:
        """The published parameters, to live in contract code."""

    @abstractmethod
    def storage_tables(self, integers: IntegerModel) -> tuple[StorageTable, ...]:
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
    def estimator(self, model: Model) -> Any:
        """The scikit-learn estimator that `model` was extracted from, rebuilt."""

    @abstractmethod
    def learning_check(self, integers: IntegerModel) -> LearningCheck | None:
        """A fresh check of learning; None for a frozen model."""

    @abstractmethod
    def dump(self, integers: IntegerModel) -> tuple[Facts, Arrays]:
        """Everything needed to rebuild `integers`."""

    @abstractmethod
    def load(self, facts: Facts, arrays: Arrays, encoding: Encoding) -> IntegerModel:
        """The inverse of `dump`."""


def margins(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Margin a sample, shape (n_samples,): ``|score|`` for one row, else best minus second best."""
    if scores.shape[1] == 1:
        return np.abs(scores[:, 0])
    top = np.partition(scores, -2, axis=1)[:, -2:]
    return np.asarray(top[:, 1] - top[:, 0])


def class_index(model: Model, label: Any) -> int:
    """Index of `label` among the model's classes, or `SampleOutOfRange`."""
    value = label.item() if isinstance(label, np.generic) else label
    for index, known in enumerate(model.classes):
        if value == known:
            return index
    raise SampleOutOfRange(
        f"label {value!r} is not one of the model's classes",
        hint=f"the classes are {list(model.classes)!r}",
    )
