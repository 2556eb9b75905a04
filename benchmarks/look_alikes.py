"""Seeded models of the shapes of W1 to W8, for who does not have the originals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

SCALE = 10**9
WORDS = 1_000


def look_alikes() -> list[dict[str, Any]]:
    """A document for each of W1 to W8."""
    rng = np.random.default_rng(0)
    frequencies = 1 / np.arange(1, WORDS + 1)
    two = rng.poisson(1_400 * np.stack([frequencies, rng.permutation(frequencies)])) + 1
    ten = rng.poisson(1_400 * np.stack([rng.permutation(frequencies) for _ in range(10)])) + 1
    return [
        _words("W1", {"type": "sparse perceptron", **weights(rng, WORDS, 3.0)}, rng, (20, 60)),
        _dense("W2", {"type": "dense perceptron", **weights(rng, 400, 1.0)}, rng, 400, True),
        _dense("W3", centroids(rng.normal(0, 0.04, (2, 512))), rng, 512, False),
        _words("W4", bayes(two), rng, (20, 60)),
        _words("W5", sparse_centroids(two / two.max()), rng, (20, 60)),
        _dense("W6", {"type": "dense perceptron", **weights(rng, 1_000, 1.0)}, rng, 1_000, False),
        _words("W7", bayes(ten), rng, (20,)),
        _digits("W8"),
    ]


def weights(rng: Any, count: int, scale: float) -> dict[str, Any]:
    weights = rng.normal(0, scale, count).tolist()
    return {
        "classifications": ["no", "yes"],
        "weights": weights,
        "intercept": 0.0,
        "learningRate": 0.5,
    }


def bayes(counts: NDArray[Any]) -> dict[str, Any]:
    names = [f"class {number}" for number in range(len(counts))]
    return {
        "type": "naive bayes",
        "classifications": names,
        "classCounts": [1_000] * len(counts),
        "featureCounts": [[[i, int(n)] for i, n in enumerate(row)] for row in counts],
        "totalNumFeatures": counts.shape[1],
        "smoothingFactor": 1.0,
    }


def centroids(rows: NDArray[Any]) -> dict[str, Any]:
    table = {str(i): {"centroid": row.tolist(), "dataCount": 100} for i, row in enumerate(rows)}
    return {"type": "nearest centroid classifier", "centroids": table}


def sparse_centroids(rows: NDArray[Any]) -> dict[str, Any]:
    table = {
        f"class {number}": {
            "centroid": {str(i): round(float(x), 3) for i, x in enumerate(row)},
            "dataCount": 1_000,
        }
        for number, row in enumerate(rows)
    }
    return {"type": "sparse nearest centroid classifier", "centroids": table}


def document(name: str, model: dict[str, Any], rows: list[list[Any]], kind: str) -> dict[str, Any]:
    def sample(features: list[Any]) -> dict[str, Any]:
        data = features
        if kind == "dense":
            data = [round(value * SCALE) for value in features]
        return {"features": features, "data_int64": data, "kind": kind}

    *samples, history = [sample(row) for row in rows]
    return {"id": name, "model": model, "samples": samples, "history_sample": history}


def _words(name: str, model: dict[str, Any], rng: Any, lengths: tuple[int, ...]) -> dict[str, Any]:
    rows = [sorted(rng.choice(WORDS, n, replace=False).tolist()) for n in (*lengths, 20)]
    return document(name, model, rows, "indices")


def _dense(name: str, model: dict[str, Any], rng: Any, size: int, positive: bool) -> dict[str, Any]:
    rows = rng.normal(size=(2, size))
    rows = np.abs(rows) if positive else rows
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return document(name, model, rows.tolist(), "dense")


def _digits(name: str) -> dict[str, Any]:
    X, y = load_digits(return_X_y=True)
    X = X / np.linalg.norm(X, axis=1, keepdims=True)
    means = np.stack([X[:1297][y[:1297] == digit].mean(axis=0) for digit in range(10)])
    return document(name, centroids(means), X[1297:1299].tolist(), "dense")
