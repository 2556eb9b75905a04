"""The nouns between extract and render.

    estimator ─extract→ Model ─quantize→ IntegerModel ─mirror→ Mirror

`Model` holds doubles exactly as scikit-learn trained them. `IntegerModel` holds integers only.
`Mirror` computes, in Python integers, what the contract computes on the EVM, reverts included.
Each family subclasses the three, and `family.Family`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dcai_compile.client_encoder import ClientEncoder
from dcai_compile.encoding import Encoding, Matrix, Sample, as_samples
from dcai_compile.errors import SampleOutOfRange
from dcai_compile.samples import single

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
    step_bits: int | str = "auto"
    horizon: int = 100_000
    evm_version: str = "cancun"
    layout: str = "fused"
    incentive: str | None = None
    title: str = ""
    refund_wait: int = 86_400
    owner_claim_wait: int = 604_800
    any_address_claim_wait: int = 1_209_600
    cost_weight: int = 10**14
    open_claims: bool = False
    packed: bool = True


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
    client : what a client does to a raw sample before it is encoded; None for nothing.
    folded : preprocessing that is part of the parameters already; None for nothing.
    own_steps : how many of the client's last steps the estimator itself does in scikit-learn.
    """

    family: str
    estimator: str
    settings: Mapping[str, str]
    library: str
    classes: tuple[ClassLabel, ...]
    n_features: int
    feature_indices: tuple[int, ...] = field(default=(), kw_only=True)
    client: ClientEncoder | None = field(default=None, kw_only=True)
    folded: ClientEncoder | None = field(default=None, kw_only=True)
    own_steps: int = field(default=0, kw_only=True)

    def features(self, X: Any) -> Matrix:
        """Raw samples as features, shape (n_samples, n_features); raises `SampleOutOfRange`."""
        return self.client.transform(X) if self.client else as_samples(X, self.n_features)

    def facts(self) -> Facts:
        """What every model has, as JSON values; `model_facts` is the inverse."""
        return {
            "estimator": self.estimator,
            "settings": dict(self.settings),
            "library": self.library,
            "classes": list(self.classes),
            "feature_indices": list(self.feature_indices),
            "n_features": self.n_features,
            "client": self.client.to_dict() if self.client else None,
            "folded": self.folded.to_dict() if self.folded else None,
            "own_steps": self.own_steps,
        }


def model_facts(facts: Facts, family: str) -> Facts:
    """The arguments of a `Model` from its `facts`."""
    client, folded = facts["client"], facts["folded"]
    return {
        "family": family,
        "estimator": facts["estimator"],
        "settings": facts["settings"],
        "library": facts["library"],
        "classes": tuple(facts["classes"]),
        "n_features": facts["n_features"],
        "feature_indices": tuple(facts["feature_indices"]),
        "client": ClientEncoder.from_dict(client) if client else None,
        "folded": ClientEncoder.from_dict(folded) if folded else None,
        "own_steps": facts["own_steps"],
    }


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

    reach: tuple[int, int] | None = None
    """The smallest and the largest value of a learned lane, where the layout decides them."""

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

    def update_check(self, sample: Sequence[int], classification: int, updatable: bool) -> None:
        """The beginning of every UPDATE: raise the `Revert` for what no model learns."""
        if not updatable:
            raise Revert("ModelIsFrozen")
        n_classes = len(self.integers.model.classes)
        if classification >= n_classes:
            raise Revert("ClassOutOfRange", classification, n_classes)
        self.encode_check(sample)
        encoding = self.integers.encoding
        position = encoding.first_repeat(sample)
        if position is not None:
            raise Revert("FeatureRepeated", position, sample[position], encoding.max_count)

    @abstractmethod
    def update_encoded(self, sample: Sequence[int], classification: int) -> None:
        """UPDATE: one training step, or a `Revert` that changes nothing."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """Every storage lane by table name, in lane order."""

    @abstractmethod
    def parameters(self) -> list[int]:
        """What `parameters()` of the contract returns: every effective parameter."""

    def effort(self, sample: Sequence[int]) -> Mapping[str, int]:
        """How often a prediction does what only the values tell, by name: for the model of gas."""
        return {}

    @abstractmethod
    def probe_samples(self) -> list[list[int]]:
        """Encoded samples just below, at and just past every limit of the contract."""

    def heavy_samples(self) -> list[list[int]]:
        """Encoded samples of which one costs as much to predict as any that can be taught."""
        known = self.probe_samples()
        readable = [sample for sample in known if self.is_readable(sample)]
        longest = max(map(len, readable))
        return [sample for sample in readable if len(sample) == longest]

    def is_readable(self, sample: Sequence[int]) -> bool:
        """Whether the contract can predict this encoded sample."""
        try:
            self.encode_check(sample)
        except Revert:
            return False
        return True

    @abstractmethod
    def probe_scores(self) -> list[list[int]]:
        """Scores at ties and extremes, and of the wrong number."""

    # Over raw samples: what a data scientist has.

    @abstractmethod
    def real_scores(self, scores: NDArray[np.object_]) -> NDArray[np.float64]:
        """What integer scores stand for, shape (n_samples, n_rows)."""

    def encode(self, X: Any) -> list[Sample]:
        """Raw samples as the contract takes them; raises `SampleOutOfRange`."""
        return self.encode_features(self.integers.model.features(X))

    def encode_features(self, features: Matrix) -> list[Sample]:
        """Prepared samples as the contract takes them; raises `SampleOutOfRange` for one it refuses."""
        samples = self.integers.encoding.encode(features)
        for number, sample in enumerate(samples):
            try:
                self.encode_check(sample.tolist())
            except Revert as revert:
                raise SampleOutOfRange(
                    f"sample {number} is refused by the contract: {revert}",
                    hint="leave it out, or prepare samples as those that the model was trained with",
                    sample=number,
                ) from None
        return samples

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Real scores, (n_samples,) where one decides between two classes, else (n_samples, n_classes)."""
        scores = self.real_scores(self.scores(self.encode(X)))
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Class labels, shape (n_samples,), as the contract decides."""
        labels = np.array(self.integers.model.classes)
        decided = [self.decide(row) for row in self.scores(self.encode(X))]
        return np.asarray(labels[decided])

    def update(self, x: Any, y: ClassLabel) -> None:
        """Teach one raw sample, shape (n_features,) or (1, n_features) or a text, with its label."""
        sample = self.encode(single(x))[0].tolist()
        self.update_encoded(sample, class_index(self.integers.model, y))

    @abstractmethod
    def to_estimator(self) -> Any:
        """A scikit-learn estimator of the original type with the present parameters.

        Where the client prepares samples, it is the last step of a `Pipeline` that does so first.
        """


def margins(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Margin a sample, shape (n_samples,): ``|score|`` for one row, else best minus second best."""
    if scores.shape[1] == 1:
        return np.abs(scores[:, 0])
    top = np.partition(scores, -2, axis=1)[:, -2:]
    with np.errstate(invalid="ignore"):  # two scores of -inf
        return np.nan_to_num(top[:, 1] - top[:, 0], nan=0.0, posinf=np.inf)


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
