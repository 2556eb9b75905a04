"""The ways in which scikit-learn 1.9, and DCAI's JSON, keep counts."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, MultinomialNB

from dcai_compile.client_encoder import Binarize, Categories, ClientEncoder, Flags
from dcai_compile.errors import InputInvalid, UnsupportedModel
from dcai_compile.families import register, register_document
from dcai_compile.families.count_bayes.family import COUNT_BAYES
from dcai_compile.families.count_bayes.integers import CountModel
from dcai_compile.families.fitted import (
    check_counting_update,
    check_finite,
    class_label,
    settings_of,
)
from dcai_compile.model import Options

STEP = "adds the sample to its counts: the same model as training on all the data"
SMALLEST_ALPHA = 1e-10
"""scikit-learn's lower bound of `alpha` without `force_alpha`."""

KINDS = {
    "MultinomialNB": MultinomialNB,
    "ComplementNB": ComplementNB,
    "BernoulliNB": BernoulliNB,
    "CategoricalNB": CategoricalNB,
}


@register(MultinomialNB, family=COUNT_BAYES, step=STEP)
def extract_multinomial(estimator: Any, options: Options) -> CountModel:
    """MultinomialNB; fractional counts, such as tf-idf, at the scale of the wire."""
    return _model(estimator, options, "multinomial", estimator.feature_count_)


@register(ComplementNB, family=COUNT_BAYES, step=STEP)
def extract_complement(estimator: Any, options: Options) -> CountModel:
    """ComplementNB, with and without `norm`."""
    if estimator.norm and estimator.n_features_in_ < 2:
        raise UnsupportedModel(
            "ComplementNB(norm=True) with one feature divides zero by zero",
            hint="train with norm=False",
            estimator="ComplementNB",
        )
    return _model(
        estimator, options, "complement", estimator.feature_count_, norm=bool(estimator.norm)
    )


@register(BernoulliNB, family=COUNT_BAYES, step=STEP)
def extract_bernoulli(estimator: Any, options: Options) -> CountModel:
    """BernoulliNB; the client compares with `binarize`, exactly, before it lists what is present."""
    if np.ndim(estimator.alpha):
        raise UnsupportedModel(
            "BernoulliNB with an array as alpha adds it to the class counts by position",
            hint="train with one number as alpha",
            estimator="BernoulliNB",
        )
    # None means that samples are 0 and 1 already.
    step = Flags() if estimator.binarize is None else Binarize(float(estimator.binarize))
    n_features = int(estimator.n_features_in_)
    client = ClientEncoder((step,), n_features, n_features)
    return _model(estimator, options, "bernoulli", estimator.feature_count_, client=client)


@register(CategoricalNB, family=COUNT_BAYES, step=STEP)
def extract_categorical(estimator: Any, options: Options) -> CountModel:
    """CategoricalNB; a category travels as its index among the categories of all columns."""
    counts = [np.asarray(table) for table in estimator.category_count_]
    sizes = tuple(table.shape[1] for table in counts)
    client = ClientEncoder((Categories(sizes),), len(sizes), sum(sizes))
    return _model(estimator, options, "categorical", np.hstack(counts), client=client, sizes=sizes)


def _model(
    estimator: Any,
    options: Options,
    kind: str,
    counts: NDArray[np.float64],
    *,
    client: ClientEncoder | None = None,
    sizes: tuple[int, ...] = (),
    norm: bool = False,
) -> CountModel:
    name = type(estimator).__name__
    classes = tuple(class_label(label) for label in estimator.classes_)
    check_counting_update(name, options)
    if len(classes) < 2:
        raise UnsupportedModel(
            f"this {name} knows one class, and always answers it",
            hint="train with samples of two classes or more",
            estimator=name,
        )
    counts = np.asarray(counts, np.float64)
    check_finite("feature_count_", counts)
    check_finite("class_count_", estimator.class_count_)
    _check_counts(name, counts)
    prior = estimator.class_prior
    if prior is None and not estimator.fit_prior:
        prior = [1.0 / len(classes)] * len(classes)
    return CountModel(
        family=COUNT_BAYES.name,
        estimator=name,
        settings=settings_of(estimator),
        library=f"scikit-learn {sklearn.__version__}",
        classes=classes,
        n_features=int(counts.shape[1]),
        client=client,
        own_steps=1 if client else 0,
        kind=kind,
        counts=counts,
        class_counts=np.asarray(estimator.class_count_, np.float64),
        alpha=_alpha(estimator, counts.shape[1]),
        class_prior=None if prior is None else tuple(float(p) for p in prior),
        norm=norm,
        sizes=sizes,
        frozen=options.update == "frozen",
    )


def _check_counts(name: str, counts: NDArray[np.float64]) -> None:
    if counts.size and float(counts.min()) < 0.0:
        raise UnsupportedModel(
            f"this {name} has counted {counts.min():g} of a feature",
            hint="train with samples and sample weights that are not negative",
            estimator=name,
        )


def _alpha(estimator: Any, n_features: int) -> NDArray[np.float64]:
    """Smoothing of each feature as scikit-learn applies it, shape (n_features,)."""
    name = type(estimator).__name__
    alpha = np.broadcast_to(np.asarray(estimator.alpha, np.float64), (n_features,))
    check_finite("alpha", alpha)
    if not estimator.force_alpha:
        alpha = np.maximum(alpha, SMALLEST_ALPHA)
    if float(alpha.min()) <= 0.0:
        raise UnsupportedModel(
            f"{name}(alpha={alpha.min():g}) gives what it never saw a probability of 0, of which "
            "scikit-learn's logarithm is not a number",
            hint=f"train with a positive alpha, such as {SMALLEST_ALPHA:g}",
            estimator=name,
        )
    return np.array(alpha)


@register_document("naive bayes", family=COUNT_BAYES, step=STEP)
def extract_dcai(document: Mapping[str, Any], options: Options) -> CountModel:
    """DCAI's own model JSON: the counts of a MultinomialNB."""
    check_counting_update("DCAI's Naive Bayes", options)
    try:
        names = tuple(str(name) for name in document["classifications"])
        class_counts = np.array([float(n) for n in document["classCounts"]])
        n_features = int(document["totalNumFeatures"])
        smoothing = float(document.get("smoothingFactor", 1.0))
        indices = tuple(int(index) for index in document.get("featureIndices", ()))
        counts = np.zeros((len(names), n_features))
        for row, pairs in enumerate(document["featureCounts"]):
            for index, count in pairs:
                if not 0 <= int(index) < n_features:
                    raise ValueError(f"feature {index} of {n_features}")
                counts[row, int(index)] = float(count)
        if len(class_counts) != len(names) or len(document["featureCounts"]) != len(names):
            raise ValueError(f"counts of {len(class_counts)} classes for {len(names)} names")
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputInvalid(
            f"DCAI model JSON is damaged: {type(error).__name__}: {error}",
            hint="it needs 'classifications', 'classCounts', 'featureCounts' (pairs of feature "
            "and count, a list a class) and 'totalNumFeatures'",
        ) from None
    if len(set(names)) != len(names) or len(names) < 2:
        raise InputInvalid(
            f"the classes are {list(names)!r}", hint="give two or more different names"
        )
    if indices and len(indices) != n_features:
        raise InputInvalid(
            f"{len(indices)} featureIndices for {n_features} features",
            hint="give one feature index a feature, or none",
        )
    if not smoothing > 0.0:
        raise InputInvalid(
            f"smoothingFactor is {smoothing!r}", hint="give a positive number, such as 1"
        )
    for title, values in (("featureCounts", counts), ("classCounts", class_counts)):
        check_finite(title, values)
        _check_counts("DCAI model", values)
    return CountModel(
        family=COUNT_BAYES.name,
        estimator="MultinomialNB",
        settings={"alpha": repr(smoothing)} if smoothing != 1.0 else {},
        library=f"DCAI model JSON ({document['type']})",
        classes=names,
        n_features=n_features,
        feature_indices=indices,
        kind="multinomial",
        counts=counts,
        class_counts=class_counts,
        alpha=np.full(n_features, smoothing),
        class_prior=None,
        norm=False,
        sizes=(),
        frozen=options.update == "frozen",
    )


def restore(
    model: CountModel, counts: NDArray[np.float64], class_counts: NDArray[np.float64]
) -> Any:
    """A scikit-learn estimator of the model's type with these counts, shapes as in `CountModel`."""
    settings = {name: ast.literal_eval(value) for name, value in model.settings.items()}
    if len(set(model.alpha.tolist())) > 1:
        settings["alpha"] = np.array(model.alpha)
    if model.class_prior is not None and settings.get("fit_prior", True):
        settings["class_prior"] = list(model.class_prior)
    estimator = KINDS[model.estimator](**settings)
    estimator.classes_ = np.array(model.classes)
    estimator.class_count_ = np.array(class_counts, np.float64)
    if model.sizes:
        cuts = np.cumsum(model.sizes)[:-1]
        estimator.category_count_ = [np.array(part) for part in np.split(counts, cuts, axis=1)]
        estimator.n_categories_ = np.array(model.sizes)
        estimator.n_features_in_ = len(model.sizes)
    else:
        estimator.feature_count_ = np.array(counts, np.float64)
        estimator.feature_all_ = estimator.feature_count_.sum(axis=0)
        estimator.n_features_in_ = model.n_features
    estimator._update_feature_log_prob(estimator._check_alpha())
    estimator._update_class_log_prior(class_prior=estimator.class_prior)
    return estimator
