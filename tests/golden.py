"""Golden contracts: what the templates render, committed, so that a change shows what it changes.

python -m tests.golden --write     writes them anew
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.linear_model import Perceptron

from dcai_compile import Compiled, compile_model

FOLDER = Path(__file__).resolve().parent / "golden_contracts"


def document(kind: str, weights: list[float], **more: object) -> dict[str, object]:
    return {"type": kind, "classifications": ["no", "yes"], "weights": weights, **more}


def topics() -> Perceptron:
    """A perceptron of three classes with the weights of nobody's training."""
    estimator = Perceptron(eta0=0.5)
    estimator.classes_ = np.array([10, 20, 30])
    estimator.coef_ = np.array(
        [[1.0, -0.5, 0.25, 2.0], [0.0, 3.5, -1.0, 0.5], [-2.0, 0.0, 1.5, 0.75]]
    )
    estimator.intercept_ = np.array([0.5, -1.0, 0.0])
    estimator.n_features_in_ = 4
    return estimator


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
        "DensePerceptron": compile_model(dense, X, name="DensePerceptron"),
        "DenseFrozen": compile_model(dense, X, name="DenseFrozen", update="frozen"),
        "SparsePerceptron": compile_model(
            words, counts, name="SparsePerceptron", encoding="indices"
        ),
    }
    for rule in ("hinge", "log_loss", "pa1", "pa2", "modified_huber", "squared_hinge"):
        name = "Sparse" + "".join(part.title() for part in rule.split("_"))
        found[name] = compile_model(
            words, counts, name=name, encoding="indices", update=rule, learning_rate=0.125
        )
    found["DenseTopics"] = compile_model(
        topics(), X, name="DenseTopics", class_names=("a", "b", "c")
    )
    large = document("sparse perceptron", [0.5] * 7000)
    one_hot = np.eye(7000)[[0, 1, 6999]]
    found["InDataContracts"] = compile_model(
        large, one_hot, name="InDataContracts", encoding="indices", weight_bits=32
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
