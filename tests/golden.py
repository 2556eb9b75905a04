"""Golden contracts: what the templates render, committed, so that a change shows what it changes.

python -m tests.golden --write     writes them anew
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import Perceptron
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid

from dcai_compile import Compiled, compile_model
from dcai_compile.incentives import INCENTIVES
from tests.models import compile_bare

FOLDER = Path(__file__).resolve().parent / "golden_contracts"


def document(kind: str, weights: list[float], **more: object) -> dict[str, object]:
    return {"type": kind, "classifications": ["no", "yes"], "weights": weights, **more}


def topics(times: int = 1) -> Perceptron:
    """A perceptron of three classes with the weights of nobody's training, repeated for more features."""
    estimator = Perceptron(eta0=0.5)
    estimator.classes_ = np.array([10, 20, 30])
    coef = np.array([[1.0, -0.5, 0.25, 2.0], [0.0, 3.5, -1.0, 0.5], [-2.0, 0.0, 1.5, 0.75]])
    estimator.coef_ = np.tile(coef, times)
    estimator.intercept_ = np.array([0.5, -1.0, 0.0])
    estimator.n_features_in_ = 4 * times
    return estimator


def counted(estimator: Any, counts: Any, samples: list[float]) -> Any:
    """A Naive Bayes model on counts with these counts."""
    estimator.classes_ = np.arange(len(samples))
    estimator.class_count_ = np.array(samples)
    estimator.feature_count_ = np.array(counts, np.float64)
    estimator.feature_all_ = estimator.feature_count_.sum(axis=0)
    estimator.n_features_in_ = estimator.feature_count_.shape[1]
    estimator.feature_log_prob_ = estimator.feature_count_
    estimator.class_log_prior_ = np.log(estimator.class_count_)
    return estimator


def naive_bayes(counts: Any) -> dict[str, Compiled]:
    table = [[3, 0, 1, 7, 2, 0], [1, 4, 0, 0, 5, 9], [2, 2, 2, 1, 0, 0]]
    samples = [5.0, 9.0, 3.0]
    text = {
        "type": "naive bayes",
        "classifications": ["no", "yes"],
        "classCounts": [6, 4],
        "featureCounts": [[[0, 5], [3, 2]], [[1, 7], [5, 1]]],
        "totalNumFeatures": 6,
        "smoothingFactor": 1.0,
    }
    categorical = CategoricalNB(alpha=0.5)
    categorical.classes_ = np.array(["a", "b"])
    categorical.class_count_ = np.array([6.0, 4.0])
    categorical.category_count_ = [
        np.array([[4.0, 2.0], [1.0, 3.0]]),
        np.array([[1.0, 2, 3], [0, 4, 0]]),
    ]
    categorical.n_categories_ = np.array([2, 3])
    categorical.n_features_in_ = 2
    categorical.feature_log_prob_ = categorical.category_count_
    gaussian = GaussianNB()
    gaussian.classes_ = np.array([0, 1])
    gaussian.class_count_ = np.array([6.0, 4.0])
    gaussian.class_prior_ = np.array([0.6, 0.4])
    gaussian.theta_ = np.array([[0.5, -1.25], [2.0, 0.0]])
    gaussian.var_ = np.array([[1.5, 0.25], [0.75, 2.0]])
    gaussian.epsilon_ = 1e-9
    gaussian.n_features_in_ = 2
    values = np.array([[0.5, -1.0], [2.0, 0.5], [-1.5, 3.0]])
    codes = np.array([[0, 2], [1, 0], [1, 1]])
    complement = counted(ComplementNB(alpha=0.5), table, samples)
    normed = counted(ComplementNB(norm=True), table, samples)
    priors = counted(MultinomialNB(class_prior=[0.5, 0.25, 0.25]), table, samples)
    models: dict[str, tuple[Any, Any]] = {
        "WordsNaiveBayes": (text, counts),
        "WordsComplement": (complement, counts),
        "WordsNormedComplement": (normed, counts),
        "WordsBernoulli": (counted(BernoulliNB(), table, [9.0, 9.0, 4.0]), counts),
        "PairsNaiveBayes": (priors, sparse.csr_array(counts / 4.0)),
        "Categories": (categorical, codes),
        "Gaussian": (gaussian, values),
    }
    return {name: compile_bare(*model, name=name) for name, model in models.items()}


def centroids(X: Any, counts: Any) -> dict[str, Compiled]:
    dense = {
        "type": "nearest centroid classifier",
        "intents": {
            "a": {"centroid": [0.5, -1.0, 0.25, 2.0], "dataCount": 10},
            "b": {"centroid": [0.0, 1.5, -0.75, 0.125], "dataCount": 20},
            "c": {"centroid": [1.0, 1.0, 1.0, 1.0], "dataCount": 0},
        },
    }
    words = {
        "type": "sparse nearest centroid classifier",
        "centroids": {
            "no": {"centroid": {"0": 0.5, "5": 0.25}, "dataCount": 8},
            "yes": {"centroid": {"1": 0.75, "3": 0.5}, "dataCount": 4},
        },
    }
    medians = NearestCentroid(metric="manhattan")
    medians.classes_ = np.array([0, 1])
    medians.centroids_ = np.array([[0.5, -1.0, 0.25, 2.0], [0.0, 1.5, -0.75, 0.125]])
    medians.class_prior_ = np.array([0.5, 0.5])
    medians.within_class_std_dev_ = np.ones(4)
    medians.n_features_in_ = 4
    return {
        "DenseCentroids": compile_bare(dense, X, name="DenseCentroids"),
        "WordCentroids": compile_bare(words, counts, name="WordCentroids"),
        "Medians": compile_bare(medians, X, name="Medians", update="frozen"),
    }


def tiled() -> dict[str, Compiled]:
    """Dense models wide enough for tiles, with the packed entry."""
    rows = [[(3 * at + 7 * row) % 11 / 4 - 1 for at in range(20)] for row in range(12)]
    X = np.array(rows)
    perceptron = document("dense perceptron", rows[3], bias=-0.375)
    centroids = {
        "type": "nearest centroid classifier",
        "intents": {
            "a": {"centroid": rows[0], "dataCount": 1000},
            "b": {"centroid": rows[5], "dataCount": 20},
            "c": {"centroid": rows[9], "dataCount": 3},
        },
    }
    pixels = np.arange(16 * 20).reshape(16, 20) * 37 % 256
    models: dict[str, tuple[Any, Any]] = {
        "TiledPerceptron": (perceptron, X),
        "TiledCentroids": (centroids, X),
        "TiledPixels": (topics(5), pixels / 255),
    }
    return {name: compile_model(*model, name=name, step_bits=16) for name, model in models.items()}


def golden() -> dict[str, Compiled]:
    """Models of fixed numbers, without training, so that no library decides what is rendered."""
    rng = np.random.default_rng(7)
    dense = document(
        "dense perceptron", [0.5, -1.25, 2.0, 0.0], bias=-0.375, featureIndices=[3, 1, 4, 2]
    )
    words = document("sparse perceptron", [1.0, -0.5, 0.25, 3.0, -2.0, 0.125], intercept=0.75)
    X = np.round(rng.normal(size=(40, 4)), 3)
    counts = np.eye(6)[rng.integers(0, 6, 40)] + np.eye(6)[rng.integers(0, 6, 40)]
    found = {
        "DensePerceptron": compile_bare(dense, X, name="DensePerceptron"),
        "DenseFrozen": compile_bare(dense, X, name="DenseFrozen", update="frozen"),
        "SparsePerceptron": compile_bare(
            words, counts, name="SparsePerceptron", encoding="indices"
        ),
    }
    for rule in ("hinge", "log_loss", "pa1", "pa2", "modified_huber", "squared_hinge"):
        name = "Sparse" + "".join(part.title() for part in rule.split("_"))
        found[name] = compile_bare(
            words, counts, name=name, encoding="indices", update=rule, learning_rate=0.125
        )
    found["DenseTopics"] = compile_bare(
        topics(), X, name="DenseTopics", class_names=("a", "b", "c")
    )
    found |= naive_bayes(counts) | centroids(X, counts) | tiled()
    tf_idf = sparse.csr_array(counts / 4.0)
    found["PairsLogLoss"] = compile_bare(
        words, tf_idf, name="PairsLogLoss", encoding="pairs", update="log_loss"
    )
    large = document("sparse perceptron", [0.5] * 7000)
    one_hot = np.zeros((3, 7000))
    one_hot[range(3), [0, 1, 6999]] = 1.0
    found["InDataContracts"] = compile_bare(
        large, one_hot, name="InDataContracts", encoding="indices", weight_bits=32
    )
    for incentive in INCENTIVES:
        name = f"WordsFor{incentive.title()}"
        found[name] = compile_model(
            words,
            counts,
            name=name,
            title='The "words" that matter',
            description="Whether a text is about them",
            encoding="indices",
            incentive=incentive,
        )
    return found


def files() -> dict[str, str]:
    """Golden files by name: the generated contract of each model."""
    return {f"{name}.sol": compiled.source[f"{name}.sol"] for name, compiled in golden().items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", required=True)
    parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.sol"):
        old.unlink()
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
