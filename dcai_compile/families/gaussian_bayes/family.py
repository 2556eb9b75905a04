"""Gaussian Naive Bayes behind the interface that the rest of the compiler knows."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile.encoding import TO_FLOAT, Encoding, EncodingName, Matrix
from dcai_compile.errors import CompilerPanic
from dcai_compile.families import register_family
from dcai_compile.families.gaussian_bayes.bounds import published_bound, sample_errors
from dcai_compile.families.gaussian_bayes.integers import GaussianIntegers, GaussianModel, Table
from dcai_compile.families.gaussian_bayes.mirror import SUM_LANE_BITS, GaussianMirror
from dcai_compile.families.gaussian_bayes.quantize import quantize
from dcai_compile.family import Family, LearningCheck, Refusal
from dcai_compile.model import (
    Arrays,
    Facts,
    IntegerModel,
    Mirror,
    Model,
    Options,
    model_facts,
)
from dcai_compile.tables import CodeTable, StorageTable

NUMBERS = ("from_training", "fraction_bits", "lane_bits", "max_value", "count_max")


class GaussianBayesFamily(Family):
    """Gaussian Naive Bayes."""

    name = "gaussian_bayes"
    template = "gaussian_bayes.sol.j2"
    uses_labels = True
    refusals = (
        Refusal(
            "GaussianNB trained with sample weights",
            "its numbers of samples are fractions",
            "training without sample_weight",
        ),
        Refusal(
            "GaussianNB(var_smoothing=0) where a feature does not vary in a class",
            "scikit-learn divides by the variance",
            "var_smoothing=1e-9",
        ),
        Refusal(
            "GaussianNB(priors=...) with a class without samples",
            "nothing is known of the class",
            "samples of every class, or no priors",
        ),
    )

    def encodings(self, model: Model) -> tuple[EncodingName, ...]:
        # An absent value is as telling as any other: every feature is read at every prediction.
        return ("dense",)

    def quantize(
        self,
        model: Model,
        X: Matrix,
        y: NDArray[np.int64] | None,
        encoding: Encoding,
        options: Options,
    ) -> GaussianIntegers:
        dense = X.toarray() if hasattr(X, "toarray") else X
        integers = quantize(_model(model), dense, y, encoding, options)
        return replace(integers, bound=published_bound(integers, dense))

    def mirror(self, integers: IntegerModel) -> Mirror:
        return GaussianMirror(_integers(integers))

    def code_table(self, integers: IntegerModel) -> CodeTable:
        found = _integers(integers)
        lanes = np.array([found.sums, found.squares], dtype=object).transpose(2, 1, 0)
        values = lanes.reshape(found.model.n_features, -1)
        if found.lane_bits <= 64:
            values = values.astype(np.int64)
        units = (Fraction(1, TO_FLOAT), Fraction(1, TO_FLOAT**2)) * found.model.n_classes
        return CodeTable(values, found.lane_bits, "sums", "feature", units)

    def storage_tables(self, integers: IntegerModel) -> tuple[StorageTable, ...]:
        found = _integers(integers)
        if not found.updatable:
            return ()
        n_classes = found.model.n_classes
        lanes = 2 * n_classes * found.model.n_features
        reason = "sum and sum of squares of a class and feature in one slot"
        return (
            StorageTable("countDelta", n_classes, 64, "updates of each class"),
            StorageTable("delta", lanes, SUM_LANE_BITS, reason),
        )

    def context(self, integers: IntegerModel) -> Facts:
        from dcai_compile.families.gaussian_bayes.rows import gaussian_context

        return gaussian_context(_integers(integers))

    def error_bounds(
        self, integers: IntegerModel, X: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return sample_errors(_integers(integers), X.toarray() if hasattr(X, "toarray") else X)

    def reference(self, model: Model, X: Matrix) -> tuple[NDArray[np.float64], NDArray[Any]]:
        from dcai_compile.families.gaussian_bayes.extract import restore

        found = _model(model)
        counts = list(found.class_counts)
        estimator = restore(found, found.means, found.variances, counts, found.dtype)
        dense = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
        scores = np.asarray(estimator.predict_joint_log_proba(dense), np.float64)
        return scores, np.asarray(estimator.predict(dense))

    def learning_check(self, integers: IntegerModel) -> LearningCheck | None:
        from dcai_compile.families.gaussian_bayes.learning import GaussianLearningCheck

        found = _integers(integers)
        return GaussianLearningCheck(found) if found.updatable else None

    def dump(self, integers: IntegerModel) -> tuple[Facts, Arrays]:
        found = _integers(integers)
        model = found.model
        facts: Facts = {
            **model.facts(),
            **{name: getattr(found, name) for name in NUMBERS},
            "class_counts": list(model.class_counts),
            "smoothing": model.epsilon,
            "priors": None if model.priors is None else list(model.priors),
            "dtype": model.dtype,
            "frozen": model.frozen,
            # As text: they are wider than any number that JSON readers agree on.
            "sums": [[str(v) for v in row] for row in found.sums],
            "squares": [[str(v) for v in row] for row in found.squares],
            "factor_k": str(found.factor_k),
            "epsilon": str(found.epsilon),
            "bound": found.bound,
        }
        return facts, {"means": model.means, "variances": model.variances}

    def load(self, facts: Facts, arrays: Arrays, encoding: Encoding) -> GaussianIntegers:
        priors = facts["priors"]
        model = GaussianModel(
            **model_facts(facts, self.name),
            means=arrays["means"],
            variances=arrays["variances"],
            class_counts=tuple(facts["class_counts"]),
            epsilon=facts["smoothing"],
            priors=None if priors is None else tuple(priors),
            dtype=facts["dtype"],
            frozen=facts["frozen"],
        )
        return GaussianIntegers(
            model,
            encoding,
            facts["bound"],
            sums=_table(facts["sums"]),
            squares=_table(facts["squares"]),
            factor_k=int(facts["factor_k"]),
            epsilon=int(facts["epsilon"]),
            **{name: facts[name] for name in NUMBERS},
        )


def _table(rows: list[list[str]]) -> Table:
    return tuple(tuple(int(value) for value in row) for row in rows)


def _model(model: Model) -> GaussianModel:
    if not isinstance(model, GaussianModel):
        raise CompilerPanic(f"{type(model).__name__} is not a Gaussian model")
    return model


def _integers(integers: IntegerModel) -> GaussianIntegers:
    if not isinstance(integers, GaussianIntegers):
        raise CompilerPanic(f"{type(integers).__name__} is not a Gaussian model")
    return integers


GAUSSIAN_BAYES = register_family(GaussianBayesFamily())
