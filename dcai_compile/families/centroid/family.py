"""Centroid models behind the interface that the rest of the compiler knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.encoding import ENCODINGS, Encoding, EncodingName, Matrix
from dcai_compile.errors import CompilerPanic
from dcai_compile.families import register_family
from dcai_compile.families.centroid.bounds import published_bound, sample_errors
from dcai_compile.families.centroid.integers import CentroidIntegers, CentroidModel
from dcai_compile.families.centroid.mirror import CentroidMirror
from dcai_compile.families.centroid.quantize import quantize
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

NUMBERS = (
    "grain",
    "grid_bits",
    "fraction_bits",
    "base_bits",
    "lane_bits",
    "low_bits",
    "count_bits",
    "square_bits",
    "max_value",
    "proved_updates",
)


class CentroidFamily(Family):
    """Nearest centroid classifiers."""

    name = "centroid"
    template = "centroid.sol.j2"
    uses_labels = True
    takes_empty = True
    refusals = (
        Refusal(
            "NearestCentroid with priors other than uniform",
            "scikit-learn then divides by the deviation within the classes",
            "priors='uniform', or GaussianNB",
        ),
        Refusal(
            "NearestCentroid with priors='empirical', to be taught",
            "its priors are uniform only while all classes have equally many samples",
            "priors='uniform', or update='frozen'",
        ),
        Refusal(
            "NearestCentroid with metric='manhattan' or shrink_threshold, unless frozen",
            "medians and shrunken means are no sums that a sample could be added to",
            "update='frozen'",
        ),
        Refusal(
            "NearestCentroid without y, or with other data than it was trained with, unless frozen",
            "it does not keep of how many samples a centroid is the mean",
            "compile_model(estimator, X, y) with the training data, or update='frozen'",
        ),
    )

    def encodings(self, model: Model) -> tuple[EncodingName, ...]:
        # A Manhattan distance does not add up over the elements of a repeated index.
        return ("dense", "pairs") if _model(model).metric == "manhattan" else ENCODINGS

    def quantize(
        self,
        model: Model,
        X: Matrix,
        y: NDArray[np.int64] | None,
        encoding: Encoding,
        options: Options,
    ) -> CentroidIntegers:
        integers = quantize(_model(model), X, y, encoding, options)
        return replace(integers, bound=published_bound(integers, X, encoding))

    def mirror(self, integers: IntegerModel) -> Mirror:
        return CentroidMirror(_integers(integers))

    def code_table(self, integers: IntegerModel) -> CodeTable:
        found = _integers(integers)
        if found.tiles is not None:
            return found.tiles.code_table(found.sums, "sums", found.unit)
        lanes = np.ascontiguousarray(found.sums.T)
        units = (found.unit,) * found.model.n_classes
        return CodeTable(lanes, found.base_bits, "sums", "feature", units)

    def storage_tables(
        self, integers: IntegerModel
    ) -> tuple[StorageTable | RecordTable | DeltaTable, ...]:
        found = _integers(integers)
        if not found.updatable:
            return ()
        what = "updates of a class" + (" and its squared norm" if found.keeps_squares else "")
        reason = f"{what}, {found.proved_updates} updates proved safe"
        return (
            RecordTable("classDelta", found.model.n_classes, found.fields, reason),
            found.delta_table,
        )

    def context(self, integers: IntegerModel) -> Facts:
        from dcai_compile.families.centroid.rows import centroid_context

        return centroid_context(_integers(integers))

    def error_bounds(
        self, integers: IntegerModel, X: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return sample_errors(_integers(integers), X)

    def reference(self, model: Model, X: Matrix) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Labels are `predict`'s; scores are ``2 x.c - |c|^2``, or minus the Manhattan distance."""
        from dcai_compile.families.centroid.extract import restore

        found = _model(model)
        if found.counts is not None and 0 in found.counts:
            # Of a class without samples, which DCAI's models may have, scikit-learn knows nothing.
            seen = np.array(found.counts) > 0
            if not seen.any():
                return np.full((X.shape[0], found.n_classes), -np.inf), np.full(
                    X.shape[0], found.classes[0]
                )
            known = tuple(c for c, has in zip(found.classes, seen, strict=True) if has)
            rest = replace(found, classes=known, centroids=found.centroids[seen], counts=None)
            scores = np.full((X.shape[0], found.n_classes), -np.inf)
            scores[:, seen], labels = self.reference(rest, X)
            return scores, labels
        estimator = restore(found, found.centroids)
        labels = np.asarray(estimator.predict(X))
        centroids = found.centroids
        if found.metric == "manhattan":
            dense = X.toarray() if sparse.issparse(X) else np.asarray(X, np.float64)
            distances = [np.abs(dense - centroid).sum(axis=1) for centroid in centroids]
            return -np.array(distances).T, labels
        products = np.asarray(X.astype(np.float64) @ centroids.T)
        return 2.0 * products - (centroids * centroids).sum(axis=1), labels

    def learning_check(self, integers: IntegerModel) -> LearningCheck | None:
        from dcai_compile.families.centroid.learning import CentroidLearningCheck

        found = _integers(integers)
        return CentroidLearningCheck(found) if found.updatable else None

    def to_dcai(self, mirror: Mirror) -> Facts:
        found = _integers(mirror.integers)
        if found.model.metric != "euclidean":
            return super().to_dcai(mirror)
        assert isinstance(mirror, CentroidMirror)
        entries = {}
        rows = zip(found.model.classes, mirror.centroids().tolist(), mirror.counts(), strict=True)
        for label, centroid, count in rows:
            values: Any = centroid
            if found.encoding.is_sparse:
                # The last feature stands there in any case: it says how many there are.
                values = {str(i): v for i, v in enumerate(centroid) if v or i == len(centroid) - 1}
            entries[str(label)] = {"centroid": values, "dataCount": count}
        kind = "sparse nearest centroid classifier"
        document: Facts = {
            "type": kind if found.encoding.is_sparse else "nearest centroid classifier",
            "centroids": entries,
        }
        if found.model.feature_indices:
            document["featureIndices"] = list(found.model.feature_indices)
        return document

    def dump(self, integers: IntegerModel) -> tuple[Facts, Arrays]:
        found = _integers(integers)
        model = found.model
        facts: Facts = {
            **model.facts(),
            **{name: getattr(found, name) for name in NUMBERS},
            "metric": model.metric,
            "known_counts": None if model.counts is None else list(model.counts),
            "frozen": model.frozen,
            "counts": list(found.counts),
            "bound": found.bound,
        }
        arrays = {
            "centroids": model.centroids,
            "deviations": model.deviations,
            "sums": found.sums,
        }
        return facts, arrays

    def load(self, facts: Facts, arrays: Arrays, encoding: Encoding) -> CentroidIntegers:
        known = facts["known_counts"]
        model = CentroidModel(
            **model_facts(facts, self.name),
            metric=facts["metric"],
            centroids=arrays["centroids"],
            counts=None if known is None else tuple(known),
            deviations=arrays["deviations"],
            frozen=facts["frozen"],
        )
        return CentroidIntegers(
            model,
            encoding,
            facts["bound"],
            sums=arrays["sums"],
            counts=tuple(facts["counts"]),
            **{name: facts[name] for name in NUMBERS},
        )


def _model(model: Model) -> CentroidModel:
    if not isinstance(model, CentroidModel):
        raise CompilerPanic(f"{type(model).__name__} is not a centroid model")
    return model


def _integers(integers: IntegerModel) -> CentroidIntegers:
    if not isinstance(integers, CentroidIntegers):
        raise CompilerPanic(f"{type(integers).__name__} is not a centroid model")
    return integers


CENTROID = register_family(CentroidFamily())
