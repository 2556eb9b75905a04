"""Naive Bayes on counts behind the interface that the rest of the compiler knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile.encoding import ENCODINGS, Encoding, EncodingName, Matrix
from dcai_compile.errors import CompilerPanic
from dcai_compile.families import register_family
from dcai_compile.families.count_bayes.bounds import published_bound, sample_errors
from dcai_compile.families.count_bayes.integers import CountIntegers, CountModel
from dcai_compile.families.count_bayes.mirror import CountMirror
from dcai_compile.families.count_bayes.quantize import quantize
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
from dcai_compile.tables import CodeTable, DeltaTable, RecordTable, StorageTable

PLAIN = ("kind", "norm", "sizes", "frozen", "class_prior")
NUMBERS = (
    "grain",
    "factor_m",
    "base_bits",
    "lane_bits",
    "low_bits",
    "sample_bits",
    "total_bits",
    "factor_bits",
    "max_value",
    "proved_updates",
)


class CountBayesFamily(Family):
    """Naive Bayes on counts."""

    name = "count_bayes"
    template = "count_bayes.sol.j2"
    takes_empty = True
    prefers_counts = True
    refusals = (
        Refusal(
            "MultinomialNB, ComplementNB, BernoulliNB and CategoricalNB with alpha=0",
            "scikit-learn's logarithm of what was never seen is not a number",
            "alpha=1e-10, or any other positive number",
        ),
        Refusal(
            "BernoulliNB with an array as alpha",
            "scikit-learn adds it to the class counts by position",
            "one number as alpha",
        ),
        Refusal("ComplementNB(norm=True) of one feature", "it divides zero by zero", "norm=False"),
    )

    def encodings(self, model: Model) -> tuple[EncodingName, ...]:
        # A present feature, or a category, is all that these two know of a value.
        return ("indices",) if _model(model).kind in ("bernoulli", "categorical") else ENCODINGS

    def quantize(
        self,
        model: Model,
        X: Matrix,
        y: NDArray[np.int64] | None,
        encoding: Encoding,
        options: Options,
    ) -> CountIntegers:
        counted = _model(model)
        if counted.sizes:
            encoding = replace(
                encoding,
                max_length=len(counted.sizes),
                min_length=len(counted.sizes),
                max_count=1,
            )
        elif counted.kind == "bernoulli":
            encoding = replace(
                encoding, max_length=max(encoding.max_length, encoding.n_features), max_count=1
            )
        integers = quantize(counted, X, encoding, options)
        return replace(integers, bound=published_bound(integers, X, encoding))

    def mirror(self, integers: IntegerModel) -> Mirror:
        return CountMirror(_integers(integers))

    def code_table(self, integers: IntegerModel) -> CodeTable:
        counted = _integers(integers)
        lanes = np.ascontiguousarray(counted.counts.T)
        units = (counted.unit,) * counted.model.n_classes
        if not counted.uniform_alpha:
            lanes = np.hstack([lanes, np.array(counted.alpha, np.int64).reshape(-1, 1)])
            units = (*units, counted.unit / counted.factor_m)
        row = "category" if counted.model.sizes else "feature"
        return CodeTable(lanes, counted.base_bits, "counts", row, units)

    def storage_tables(
        self, integers: IntegerModel
    ) -> tuple[StorageTable | RecordTable | DeltaTable, ...]:
        counted = _integers(integers)
        if not counted.updatable:
            return ()
        n_classes = counted.model.n_classes
        reason = f"samples and total of a class, {counted.proved_updates} updates proved safe"
        records = RecordTable("classDelta", n_classes, counted.fields, reason)
        if not counted.model.norm:
            return records, counted.delta_table
        # Records come last, because flags can share their slot.
        reason = "what the product of a class's numerators was multiplied by"
        products = StorageTable("productDelta", n_classes, 256, reason)
        return products, records, counted.delta_table

    def context(self, integers: IntegerModel) -> Facts:
        from dcai_compile.families.count_bayes.rows import count_context

        return count_context(_integers(integers))

    def error_bounds(
        self, integers: IntegerModel, X: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return sample_errors(_integers(integers), X)

    def reference(self, model: Model, X: Matrix) -> tuple[NDArray[np.float64], NDArray[Any]]:
        from dcai_compile.families.count_bayes.reference import (
            as_estimator_takes,
            reference_estimator,
        )

        counted = _model(model)
        estimator = reference_estimator(counted, counted.counts, counted.class_counts)
        taken = as_estimator_takes(counted, X)
        scores = estimator.predict_joint_log_proba(taken)
        return np.asarray(scores, np.float64), np.asarray(estimator.predict(taken))

    def learning_check(self, integers: IntegerModel) -> LearningCheck | None:
        from dcai_compile.families.count_bayes.learning import CountLearningCheck

        counted = _integers(integers)
        return CountLearningCheck(counted) if counted.updatable else None

    def to_dcai(self, mirror: Mirror) -> Facts:
        counted = _integers(mirror.integers)
        if counted.model.kind != "multinomial" or not counted.uniform_alpha or counted.priors:
            return super().to_dcai(mirror)
        assert isinstance(mirror, CountMirror)
        counts, class_counts = mirror.real_counts()
        document: Facts = {
            "type": "naive bayes",
            "classifications": [str(label) for label in counted.model.classes],
            "classCounts": [_number(n) for n in class_counts.tolist()],
            "featureCounts": [
                [[index, _number(count)] for index, count in enumerate(row) if count]
                for row in counts.tolist()
            ],
            "totalNumFeatures": counted.model.n_features,
            "smoothingFactor": float(counted.model.alpha[0]),
        }
        if counted.model.feature_indices:
            document["featureIndices"] = list(counted.model.feature_indices)
        return document

    def dump(self, integers: IntegerModel) -> tuple[Facts, Arrays]:
        counted = _integers(integers)
        model = counted.model
        facts: Facts = {
            **model.facts(),
            **{name: getattr(model, name) for name in PLAIN},
            **{name: getattr(counted, name) for name in NUMBERS},
            "sizes": list(model.sizes),
            "class_prior": None if model.class_prior is None else list(model.class_prior),
            "class_units": [str(n) for n in counted.class_counts],
            "alpha_units": [str(a) for a in counted.alpha],
            "bound": counted.bound,
        }
        return facts, {
            "counts": model.counts,
            "class_counts": model.class_counts,
            "alpha": model.alpha,
            "units": counted.counts,
        }

    def load(self, facts: Facts, arrays: Arrays, encoding: Encoding) -> CountIntegers:
        prior = facts["class_prior"]
        model = CountModel(
            **model_facts(facts, self.name),
            kind=facts["kind"],
            counts=arrays["counts"],
            class_counts=arrays["class_counts"],
            alpha=arrays["alpha"],
            class_prior=None if prior is None else tuple(prior),
            norm=facts["norm"],
            sizes=tuple(facts["sizes"]),
            frozen=facts["frozen"],
        )
        return CountIntegers(
            model,
            encoding,
            facts["bound"],
            counts=arrays["units"],
            class_counts=tuple(int(n) for n in facts["class_units"]),
            alpha=tuple(int(a) for a in facts["alpha_units"]),
            **{name: facts[name] for name in NUMBERS},
        )


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _model(model: Model) -> CountModel:
    if not isinstance(model, CountModel):
        raise CompilerPanic(f"{type(model).__name__} is not a counting model")
    return model


def _integers(integers: IntegerModel) -> CountIntegers:
    if not isinstance(integers, CountIntegers):
        raise CompilerPanic(f"{type(integers).__name__} is not a counting model")
    return integers


COUNT_BAYES = register_family(CountBayesFamily())
