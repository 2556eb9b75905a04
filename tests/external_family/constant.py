"""DummyClassifier as a family: the class that was most frequent, whatever the sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier

from dcai_compile.decision import first_of_highest, tie_probes
from dcai_compile.encoding import Encoding, Matrix, Sample
from dcai_compile.errors import UnsupportedModel
from dcai_compile.families import register, register_family
from dcai_compile.family import Family, LearningCheck
from dcai_compile.model import (
    Arrays,
    Facts,
    IntegerModel,
    Mirror,
    Model,
    Options,
    Revert,
    model_facts,
)
from dcai_compile.tables import CodeTable, Constant, StorageTable
from dcai_compile.wire import check_sample, limit_samples, wire_errors


@dataclass(frozen=True)
class ConstantModel(Model):
    """How many samples each class had."""

    counts: NDArray[np.int64]


@dataclass(frozen=True)
class ConstantIntegers(IntegerModel):
    """The same: they are integers already."""

    model: ConstantModel


class ConstantMirror(Mirror):
    """Never changes."""

    integers: ConstantIntegers

    # ENCODE

    def encode_check(self, sample: Sequence[int]) -> None:
        check_sample(self.integers.encoding, sample)

    # SCORE

    def scores(self, samples: list[Sample]) -> NDArray[np.object_]:
        return np.tile(self.integers.model.counts.astype(object), (len(samples), 1))

    # DECIDE

    def decide(self, scores: Sequence[int]) -> int:
        return first_of_highest(scores, len(self.integers.model.classes))

    # UPDATE

    def update_encoded(self, sample: Sequence[int], classification: int) -> None:
        raise Revert("ModelIsFrozen")

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def parameters(self) -> list[int]:
        return self.integers.model.counts.tolist()

    def probe_samples(self) -> list[list[int]]:
        return limit_samples(self.integers.encoding, 1)

    def probe_scores(self) -> list[list[int]]:
        return tie_probes(len(self.integers.model.classes))

    def real_scores(self, scores: NDArray[np.object_]) -> NDArray[np.float64]:
        return scores.astype(np.float64) / float(self.integers.model.counts.sum())

    def to_estimator(self) -> Any:
        return _restore(self.integers.model)


class ConstantFamily(Family):
    """Models that answer the same whatever they are asked."""

    name = "constant"
    template = "constant.sol.j2"
    templates = files("tests.external_family")

    def encodings(self, model: Model) -> Any:
        return ("dense",)

    def quantize(
        self,
        model: Model,
        X: Matrix,
        y: NDArray[np.int64] | None,
        encoding: Encoding,
        options: Options,
    ) -> IntegerModel:
        assert isinstance(model, ConstantModel)
        return ConstantIntegers(model, encoding, 0.0)

    def mirror(self, integers: IntegerModel) -> Mirror:
        return ConstantMirror(integers)

    def code_table(self, integers: IntegerModel) -> CodeTable:
        counts = _own(integers).model.counts.reshape(1, -1)
        return CodeTable(counts, 32, "counts", "row", (Fraction(1),) * counts.shape[1])

    def storage_tables(self, integers: IntegerModel) -> tuple[StorageTable, ...]:
        return ()

    def context(self, integers: IntegerModel) -> Facts:
        found = _own(integers)
        classes, features = len(found.model.classes), found.encoding.n_features
        return {
            "updatable": False,
            "gathers": False,
            "base_row": False,
            "constants": [
                Constant("uint256", "CLASSES", str(classes), "Number of classes."),
                Constant("uint256", "FEATURES", str(features), "Number of features."),
                Constant("uint256", "ROW_BYTES", str(4 * classes), "Bytes of all counts."),
            ],
            "summary": [("update", "frozen: this model never changes")],
            "errors": ["ModelIsFrozen", *wire_errors(found.encoding, False)],
        }

    def error_bounds(self, integers: IntegerModel, X: Any) -> Any:
        zeros = np.zeros(X.shape[0])
        return zeros, zeros + 2.0**-52

    def reference(self, model: Model, X: Matrix) -> Any:
        estimator = _restore(model)
        return estimator.predict_proba(X), estimator.predict(X)

    def learning_check(self, integers: IntegerModel) -> LearningCheck | None:
        return None

    def dump(self, integers: IntegerModel) -> tuple[Facts, Arrays]:
        model = _own(integers).model
        return model.facts(), {"counts": model.counts}

    def load(self, facts: Facts, arrays: Arrays, encoding: Encoding) -> IntegerModel:
        model = ConstantModel(**model_facts(facts, self.name), counts=arrays["counts"])
        return ConstantIntegers(model, encoding, 0.0)


def _own(integers: IntegerModel) -> ConstantIntegers:
    assert isinstance(integers, ConstantIntegers)
    return integers


CONSTANT = register_family(ConstantFamily())


@register(DummyClassifier, family=CONSTANT, step="none: it never changes")
def extract_dummy(estimator: Any, options: Options) -> ConstantModel:
    """DummyClassifier where it answers the most frequent class."""
    if estimator.strategy not in ("prior", "most_frequent"):
        raise UnsupportedModel(
            f"DummyClassifier(strategy={estimator.strategy!r}) draws lots",
            hint="use strategy='prior'",
            estimator="DummyClassifier",
        )
    counts = np.rint(estimator.class_prior_ * 1000.0).astype(np.int64)
    return ConstantModel(
        family=CONSTANT.name,
        estimator="DummyClassifier",
        settings={},
        library=f"scikit-learn {sklearn.__version__}",
        classes=tuple(estimator.classes_.tolist()),
        n_features=int(estimator.n_features_in_),
        counts=counts,
    )


def _restore(model: Model) -> DummyClassifier:
    assert isinstance(model, ConstantModel)
    labels = np.repeat(np.array(model.classes), model.counts)
    return DummyClassifier().fit(np.zeros((len(labels), model.n_features)), labels)
