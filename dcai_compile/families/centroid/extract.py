"""The ways in which scikit-learn 1.9, and DCAI's JSON, keep centroids."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.neighbors import NearestCentroid

from dcai_compile.errors import InputInvalid, UnsupportedModel, UnsupportedStep
from dcai_compile.families import register, register_document
from dcai_compile.families.centroid.family import CENTROID
from dcai_compile.families.centroid.integers import CentroidModel
from dcai_compile.families.fitted import (
    check_counting_update,
    check_finite,
    class_label,
    settings_of,
)
from dcai_compile.model import Options

MAX_COUNT = 1 << 62
"""A count below this, and all that updates can add to it, is one that `getNumSamples` can return."""

MAX_CELLS = 1 << 27
"""Values in all centroids together: more would take thousands of data contracts."""

STEP = "adds the sample to its class's sum: the same model as training on all the data"


@register(NearestCentroid, family=CENTROID, step=STEP)
def extract_nearest_centroid(estimator: Any, options: Options) -> CentroidModel:
    """NearestCentroid with uniform priors; frozen where its centroids are no means of samples."""
    check_counting_update("NearestCentroid", options)
    n_classes = len(estimator.classes_)
    if not np.isclose(estimator.class_prior_, 1 / n_classes).all():
        raise UnsupportedModel(
            f"NearestCentroid(priors={estimator.priors!r}) divides by the deviation within the "
            "classes, which an update would have to know of every sample",
            hint="train with priors='uniform', or use GaussianNB",
            estimator="NearestCentroid",
        )
    frozen = options.update == "frozen"
    if isinstance(estimator.priors, str) and estimator.priors == "empirical" and not frozen:
        raise UnsupportedStep(
            "NearestCentroid(priors='empirical') cannot be taught: its priors are uniform only while "
            "all classes have equally many samples, and a lesson is one more of one class",
            hint="train with priors='uniform', or pass update='frozen'",
            estimator="NearestCentroid",
            setting="priors='empirical'",
        )
    for setting, why in (
        ("shrink_threshold", "shrunken centroids are no means that a sample could be added to"),
        (
            "metric",
            "centroids of the Manhattan distance are medians, to which nothing can be added",
        ),
    ):
        value = getattr(estimator, setting)
        if value and value != "euclidean" and not frozen:
            raise UnsupportedStep(
                f"NearestCentroid({setting}={value!r}) cannot be taught: {why}",
                hint="pass update='frozen'",
                estimator="NearestCentroid",
                setting=f"{setting}={value!r}",
            )
    centroids = np.asarray(estimator.centroids_, np.float64)
    check_finite("centroids_", centroids)
    return CentroidModel(
        family=CENTROID.name,
        estimator="NearestCentroid",
        settings=settings_of(estimator),
        library=f"scikit-learn {sklearn.__version__}",
        classes=tuple(class_label(label) for label in estimator.classes_),
        n_features=int(centroids.shape[1]),
        metric=str(estimator.metric),
        centroids=centroids,
        counts=None,
        deviations=np.ravel(np.asarray(estimator.within_class_std_dev_, np.float64)),
        frozen=frozen,
    )


@register_document(
    "nearest centroid classifier", "sparse nearest centroid classifier", family=CENTROID, step=STEP
)
def extract_dcai(document: Mapping[str, Any], options: Options) -> CentroidModel:
    """DCAI's own model JSON: means and counts of a euclidean NearestCentroid."""
    check_counting_update("DCAI's centroid classifier", options)
    try:
        entries = document["centroids"] if "centroids" in document else document["intents"]
        names = tuple(str(name) for name in entries)
        counts = tuple(_whole(entry["dataCount"]) for entry in entries.values())
        indices = tuple(int(index) for index in document.get("featureIndices", ()))
        centroids = _centroids([entry["centroid"] for entry in entries.values()])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputInvalid(
            f"DCAI model JSON is damaged: {type(error).__name__}: {error}",
            hint="it needs 'centroids' (or 'intents'): a name for each class, with 'centroid' and "
            "'dataCount'",
        ) from None
    if len(names) < 2:
        raise InputInvalid(f"the classes are {list(names)!r}", hint="give two or more")
    if min(counts) < 0 or max(counts) >= MAX_COUNT:
        wrong = min(counts) if min(counts) < 0 else max(counts)
        raise InputInvalid(
            f"a dataCount is {wrong}", hint="give whole numbers from 0 on, below 2**62"
        )
    if indices and len(indices) != centroids.shape[1]:
        raise InputInvalid(
            f"{len(indices)} featureIndices for {centroids.shape[1]} features",
            hint="give one feature index a feature, or none",
        )
    check_finite("centroids", centroids)
    # No samples have no mean, whatever stands there.
    centroids[np.array(counts) == 0] = 0.0
    return CentroidModel(
        family=CENTROID.name,
        estimator="NearestCentroid",
        settings={},
        library=f"DCAI model JSON ({document['type']})",
        classes=names,
        n_features=int(centroids.shape[1]),
        feature_indices=indices,
        metric="euclidean",
        centroids=centroids,
        counts=counts,
        deviations=np.ones(centroids.shape[1]),
        frozen=options.update == "frozen",
    )


def _whole(value: Any) -> int:
    """A number without a fraction; what is none is never cut down to one."""
    number = int(value)
    if number != value:
        raise ValueError(f"a dataCount of {value!r}")
    return number


def _centroids(values: list[Any]) -> NDArray[np.float64]:
    """Lists of one length, or for sparse models maps from feature to value, as rows."""
    if any(isinstance(value, str) for value in values):
        raise ValueError("a centroid is text")
    if not all(isinstance(value, Mapping) for value in values):
        rows = [[float(number) for number in value] for value in values]
        if len({len(row) for row in rows}) != 1:
            raise ValueError(f"centroids of lengths {[len(row) for row in rows]}")
        return np.array(rows, np.float64)
    maps = [{int(index): float(number) for index, number in value.items()} for value in values]
    if min(min(entries, default=0) for entries in maps) < 0:
        raise ValueError("a feature below 0")
    width = 1 + max(max(entries, default=-1) for entries in maps)
    if width * len(maps) > MAX_CELLS:
        raise ValueError(f"feature {width - 1} is too high for a contract")
    centroids = np.zeros((len(maps), width))
    for row, entries in enumerate(maps):
        for index, number in entries.items():
            centroids[row, index] = number
    return centroids


def restore(model: CentroidModel, centroids: NDArray[np.float64]) -> Any:
    """A NearestCentroid with these centroids, shape (n_classes, n_features)."""
    settings = {name: ast.literal_eval(value) for name, value in model.settings.items()}
    estimator = NearestCentroid(**settings)
    estimator.classes_ = np.array(model.classes)
    estimator.centroids_ = np.array(centroids, np.float64)
    estimator.class_prior_ = np.full(model.n_classes, 1 / model.n_classes)
    estimator.within_class_std_dev_ = np.array(model.deviations)
    estimator.n_features_in_ = int(estimator.centroids_.shape[1])
    return estimator
