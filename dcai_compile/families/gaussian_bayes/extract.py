"""How scikit-learn 1.9 keeps a Gaussian Naive Bayes model."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.naive_bayes import GaussianNB

from dcai_compile.errors import UnsupportedModel
from dcai_compile.families import register
from dcai_compile.families.fitted import (
    check_counting_update,
    check_finite,
    class_label,
    settings_of,
)
from dcai_compile.families.gaussian_bayes.family import GAUSSIAN_BAYES
from dcai_compile.families.gaussian_bayes.integers import GaussianModel
from dcai_compile.model import Options

STEP = "adds the sample to its sums: the same model as training on all the data, smoothing apart"


@register(GaussianNB, family=GAUSSIAN_BAYES, step=STEP)
def extract_gaussian(estimator: Any, options: Options) -> GaussianModel:
    """GaussianNB, with its `epsilon_` as it was trained."""
    check_counting_update("GaussianNB", options)
    classes = tuple(class_label(label) for label in estimator.classes_)
    if len(classes) < 2:
        raise UnsupportedModel(
            "this GaussianNB knows one class, and always answers it",
            hint="train with samples of two classes or more",
            estimator="GaussianNB",
        )
    counts = np.asarray(estimator.class_count_, np.float64)
    check_finite("class_count_", counts)
    if not np.all(counts == np.floor(counts)):
        raise UnsupportedModel(
            f"this GaussianNB counted {counts.tolist()} samples: it was trained with sample weights",
            hint="train without sample_weight, or repeat the samples that count more",
            estimator="GaussianNB",
        )
    priors = None if estimator.priors is None else tuple(float(p) for p in estimator.priors)
    if priors is not None and counts.min() == 0.0:
        empty = classes[int(np.argmin(counts))]
        raise UnsupportedModel(
            f"GaussianNB(priors=...) gives class {empty!r} a probability although it has no sample",
            hint="train with samples of every class, or without priors",
            estimator="GaussianNB",
        )
    means, variances = np.asarray(estimator.theta_), np.asarray(estimator.var_)
    check_finite("theta_", means)
    check_finite("var_", variances)
    if float(variances.min()) <= 0.0:
        row, feature = (int(axis[0]) for axis in np.nonzero(variances <= 0.0))
        raise UnsupportedModel(
            f"feature {feature} does not vary in class {classes[row]!r}, and "
            f"GaussianNB(var_smoothing={estimator.var_smoothing!r}) divides by that",
            hint="train with var_smoothing=1e-9, or without the feature",
            estimator="GaussianNB",
        )
    return GaussianModel(
        family=GAUSSIAN_BAYES.name,
        estimator="GaussianNB",
        settings=settings_of(estimator),
        library=f"scikit-learn {sklearn.__version__}",
        classes=classes,
        n_features=int(means.shape[1]),
        means=means.astype(np.float64),
        variances=variances.astype(np.float64),
        class_counts=tuple(int(n) for n in counts),
        epsilon=_smoothing(estimator, counts),
        priors=priors,
        dtype="float32" if means.dtype == np.float32 else "float64",
        frozen=options.update == "frozen",
    )


def _smoothing(estimator: Any, counts: NDArray[np.float64]) -> float:
    """`epsilon_`, or the smallest variance where `partial_fit` left one below it.

    `partial_fit` takes each batch's own smoothing out of all variances and adds it again, so that a
    variance carries a mean of the smoothing of all batches, which may be less than the last one's.
    """
    seen = np.asarray(estimator.var_)[counts > 0.0]
    return min(float(estimator.epsilon_), float(seen.min())) if len(seen) else 0.0


def restore(
    model: GaussianModel,
    means: NDArray[np.float64],
    variances: NDArray[np.float64],
    counts: list[int],
    dtype: str,
) -> Any:
    """A GaussianNB with these moments, shape (n_classes, n_features), and samples of each class.

    `dtype` is the floating type that it then computes in.
    """
    settings = {name: ast.literal_eval(value) for name, value in model.settings.items()}
    if model.priors is not None:
        settings["priors"] = np.array(model.priors)
    estimator = GaussianNB(**settings)
    estimator.classes_ = np.array(model.classes)
    estimator.theta_ = np.array(means, dtype)
    estimator.var_ = np.array(variances, dtype)
    estimator.class_count_ = np.array(counts, dtype)
    estimator.epsilon_ = model.epsilon
    estimator.n_features_in_ = model.n_features
    prior = np.array(model.priors, dtype) if model.priors is not None else None
    if prior is None:
        prior = estimator.class_count_ / estimator.class_count_.sum()
    estimator.class_prior_ = prior
    return estimator
