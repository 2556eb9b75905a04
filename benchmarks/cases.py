"""What the parity table is made of: estimators and pipelines, each on a data set that it fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    PassiveAggressiveClassifier,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.svm import LinearSVC

from benchmarks.datasets import DataSet, data_sets, documents


@dataclass(frozen=True)
class Case:
    """An estimator to train, on which data, and how to compile it.

    `light` is False where a prediction is so long that the slower EVM would take minutes a row.
    """

    data: DataSet
    title: str
    estimator: Any
    options: dict[str, Any]
    light: bool = True


def sgd(loss: str, schedule: str = "constant", eta0: float = 0.01) -> SGDClassifier:
    return SGDClassifier(
        loss=loss, penalty=None, learning_rate=schedule, eta0=eta0, random_state=0, max_iter=50
    )


def linear_cases(data: DataSet) -> Iterator[Case]:
    """Linear classifiers; squared losses with a rate that is stable for the longest sample."""
    longest = (
        max(float(abs(row).power(2).sum()) for row in data.X)
        if is_text(data)
        else float((data.X**2).sum(axis=1).max())
    )
    small = min(0.01, 0.4 / longest)
    yield Case(data, "LogisticRegression", LogisticRegression(max_iter=200), {"update": "log_loss"})
    yield Case(
        data,
        "LogisticRegressionCV",
        LogisticRegressionCV(Cs=3, cv=3, max_iter=200, l1_ratios=(0,), use_legacy_attributes=False),
        {"update": "frozen"},
    )
    yield Case(data, "LinearSVC", LinearSVC(random_state=0), {"update": "hinge"})
    yield Case(data, "RidgeClassifier", RidgeClassifier(), {"update": "perceptron"})
    yield Case(data, "RidgeClassifierCV", RidgeClassifierCV(), {"update": "frozen"})
    if not is_text(data):
        yield Case(
            data, "LinearDiscriminantAnalysis", LinearDiscriminantAnalysis(), {"update": "pa1"}
        )
    yield Case(data, "Perceptron", Perceptron(random_state=0), {})
    yield Case(data, "PassiveAggressiveClassifier", PassiveAggressiveClassifier(random_state=0), {})
    for loss in SGDClassifier.loss_functions:
        yield Case(
            data, f"SGDClassifier {loss}", sgd(loss, eta0=small if "squared" in loss else 0.01), {}
        )
    yield Case(data, "SGDClassifier pa1", sgd("hinge", "pa1", 1.0), {})
    yield Case(data, "SGDClassifier pa2", sgd("hinge", "pa2", 1.0), {})


def text_cases(data: DataSet) -> Iterator[Case]:
    """Models that count words."""
    yield Case(data, "MultinomialNB", MultinomialNB(), {})
    yield Case(
        data, "MultinomialNB alpha=0.1, no prior", MultinomialNB(alpha=0.1, fit_prior=False), {}
    )
    yield Case(data, "ComplementNB", ComplementNB(), {})
    yield Case(data, "ComplementNB norm", ComplementNB(norm=True), {})
    yield Case(data, "BernoulliNB", BernoulliNB(), {}, light=False)
    yield Case(data, "NearestCentroid", NearestCentroid(), {})


def measured_cases(data: DataSet) -> Iterator[Case]:
    """Naive Bayes and centroids on measurements as they are."""
    few = data.X.shape[1] * len(np.unique(data.y)) < 100
    yield Case(data, "GaussianNB", GaussianNB(), {}, light=few)
    yield Case(data, "MultinomialNB", MultinomialNB(), {}, light=few)
    yield Case(data, "ComplementNB norm", ComplementNB(norm=True), {}, light=few)
    median = float(np.median(data.X))
    yield Case(data, "BernoulliNB", BernoulliNB(binarize=median), {}, light=few)
    codes = np.digitize(data.X, np.quantile(data.X, [0.25, 0.5, 0.75]))
    coded = replace(data, X=codes)
    yield Case(coded, "CategoricalNB", CategoricalNB(min_categories=4), {})
    yield Case(data, "NearestCentroid", NearestCentroid(), {})
    yield Case(data, "NearestCentroid manhattan", NearestCentroid(metric="manhattan"), FROZEN)
    yield Case(data, "NearestCentroid shrunken", NearestCentroid(shrink_threshold=0.2), FROZEN)


FROZEN = {"update": "frozen"}


def pipeline_cases() -> Iterator[Case]:
    """Pipelines: folded into a frozen linear model, or handed to the client."""
    sets = data_sets()
    for name in ("breast_cancer", "digits", "wine"):
        data = sets[name]
        logistic = LogisticRegression(max_iter=500)
        scaled = make_pipeline(StandardScaler(), logistic)
        yield Case(data, "StandardScaler, LogisticRegression", scaled, FROZEN)
        yield Case(
            data, "StandardScaler, LogisticRegression, learns", scaled, {"update": "log_loss"}
        )
        pca = make_pipeline(StandardScaler(), PCA(8, random_state=0), logistic)
        yield Case(data, "StandardScaler, PCA, LogisticRegression", pca, FROZEN)
        chosen = make_pipeline(MinMaxScaler(), SelectKBest(chi2, k=8), Perceptron(random_state=0))
        yield Case(data, "MinMaxScaler, SelectKBest, Perceptron", chosen, {})
        shares = make_pipeline(MaxAbsScaler(), Normalizer(), NearestCentroid())
        yield Case(data, "MaxAbsScaler, Normalizer, NearestCentroid", shares, {})
    codes = replace(sets["digits"], X=sets["digits"].X[:, 18:30:3].astype(int).astype(str))
    one_hot = OneHotEncoder(handle_unknown="ignore")
    yield Case(codes, "OneHotEncoder, Perceptron", make_pipeline(one_hot, Perceptron()), {})
    ordinal = OrdinalEncoder(categories=[sorted({str(v) for v in range(17)})] * 4)
    yield Case(
        codes,
        "OrdinalEncoder, CategoricalNB",
        make_pipeline(ordinal, CategoricalNB(min_categories=17)),
        {},
    )
    columns = ColumnTransformer([("a", StandardScaler(), [0, 1, 2]), ("b", MinMaxScaler(), [3, 7])])
    yield Case(
        sets["wine"], "ColumnTransformer, Perceptron", make_pipeline(columns, Perceptron()), {}
    )
    yield from text_pipelines(documents(3))


def text_pipelines(data: DataSet) -> Iterator[Case]:
    """From raw strings."""
    sgd_hinge = sgd("hinge", eta0=0.1)
    logistic = LogisticRegression(max_iter=500)
    yield Case(
        data,
        "CountVectorizer, MultinomialNB",
        make_pipeline(CountVectorizer(), MultinomialNB()),
        {},
    )
    hashed = make_pipeline(HashingVectorizer(n_features=1024), sgd_hinge)
    yield Case(data, "HashingVectorizer, SGDClassifier", hashed, {})
    tfidf = make_pipeline(TfidfVectorizer(), logistic)
    yield Case(data, "TfidfVectorizer, LogisticRegression", tfidf, {"update": "log_loss"})
    weighted = make_pipeline(TfidfVectorizer(), MultinomialNB(alpha=0.1))
    yield Case(data, "TfidfVectorizer, MultinomialNB", weighted, {})
    folded = make_pipeline(CountVectorizer(), TfidfTransformer(norm=None), logistic)
    yield Case(data, "CountVectorizer, TfidfTransformer, LogisticRegression", folded, FROZEN)
    latent = make_pipeline(TfidfVectorizer(), TruncatedSVD(20, random_state=0), logistic)
    yield Case(data, "TfidfVectorizer, TruncatedSVD, LogisticRegression", latent, FROZEN)
    pairs = make_pipeline(
        CountVectorizer(ngram_range=(1, 2)), SelectKBest(chi2, k=300), ComplementNB(norm=True)
    )
    yield Case(data, "CountVectorizer 1-2, SelectKBest, ComplementNB", pairs, {})
    yield Case(
        data,
        "TfidfVectorizer, NearestCentroid",
        make_pipeline(TfidfVectorizer(), NearestCentroid()),
        {},
    )


def all_cases() -> Iterator[Case]:
    """The whole table."""
    for data in data_sets().values():
        yield from linear_cases(scaled(data))
        yield from text_cases(data) if is_text(data) else measured_cases(data)
    yield from pipeline_cases()


def is_text(data: DataSet) -> bool:
    return data.name.startswith("zipf")


def scaled(data: DataSet) -> DataSet:
    """Measurements to mean 0 and variance 1, as gradient descent needs them; text as it is."""
    if is_text(data):
        return data
    X = StandardScaler().fit(data.train[0]).transform(data.X)
    return DataSet(data.name, X, data.y, data.split)
