"""DCAI's own model files: the perceptrons that it ships, read as they are.

The real ones are read from the folder that DCAI_WORKLOADS names; they are not part of this
project. Models of the same shape, made here, stand in for them everywhere else.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.errors import InputInvalid, UnsupportedModel
from tests import models
from tests.models import compile_bare

WORDS = 1000
"""Features of the word models other than the perceptron."""

WORKLOADS = os.environ.get("DCAI_WORKLOADS", "")


def workload(name: str) -> dict[str, Any]:
    if not WORKLOADS:
        pytest.skip("DCAI_WORKLOADS does not name a folder with DCAI's own models")
    loaded: dict[str, Any] = json.loads((Path(WORKLOADS) / f"{name}.json").read_text())
    return loaded


def samples_of(work: dict[str, Any]) -> tuple[Any, NDArray[np.int64]]:
    """Samples and the class that exact mathematics gives them."""
    samples = [*work["samples"], work["history_sample"]]
    expected = np.array([sample["prediction_in_exact_mathematics"] for sample in samples])
    if samples[0]["kind"] == "dense":
        return np.array([sample["features"] for sample in samples]), expected
    model = work["model"]
    n_features = len(model["weights"]) if "weights" in model else WORDS
    counts = np.zeros((len(samples), n_features))
    for row, sample in enumerate(samples):
        np.add.at(counts[row], sample["features"], 1)
    return sparse.csr_array(counts), expected


@pytest.mark.parametrize("name", ["W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8"])
def test_dcai_model_predicts_what_exact_mathematics_says(name: str) -> None:
    work = workload(name)
    X, expected = samples_of(work)
    encoding = "indices" if sparse.issparse(X) else "dense"
    compiled = compile_bare(work["model"], X, encoding=encoding)
    labels = np.array(work["classifications"])
    assert np.array_equal(compiled.mirror.predict(X), labels[expected])
    wire = [sample["data_int64"] for sample in work["samples"]]
    assert compiled.encode(X)[: len(wire)] == wire
    report = compiled.verify(X, updates=(X, labels[1 - expected]))
    assert report.passed, report


def synthetic(kind: str, **more: Any) -> dict[str, Any]:
    weights = np.random.default_rng(1).normal(size=30).round(3).tolist()
    return {"type": kind, "classifications": ["no", "yes"], "weights": weights, **more}


@pytest.mark.parametrize("kind", ["perceptron", "dense perceptron"])
@pytest.mark.parametrize("more", [{"bias": 0.25}, {"intercept": -0.5}, {"learningRate": 0.1}, {}])
def test_dense_model_learns_as_scikit_learns_perceptron(kind: str, more: dict[str, float]) -> None:
    document = synthetic(kind, **more)
    X = np.random.default_rng(2).normal(size=(40, 30))
    compiled = compile_bare(document, X)
    model: Any = compiled.integers.model
    assert model.intercept[0] == more.get("bias", more.get("intercept", 0.0))
    assert model.step.learning_rate == more.get("learningRate", 0.5)
    labels = np.where(np.arange(40) % 3 == 0, "yes", "no")
    report = compiled.verify(X, evm="revm", updates=(X, labels))
    assert report.passed, report
    assert report.updates == 40


@pytest.mark.parametrize("kind", ["dense perceptron", "sparse perceptron"])
def test_a_perceptron_goes_in_and_comes_out(kind: str) -> None:
    weights = (np.random.default_rng(1).integers(-64, 64, 30) / 16.0).tolist()
    document = {
        "type": kind,
        "classifications": ["no", "yes"],
        "weights": weights,
        "intercept": 0.25,
        "learningRate": 0.5,
        "featureIndices": list(range(40, 70)),
    }
    encoding = kind.split()[0].replace("sparse", "indices")
    X = np.eye(30)
    compiled = compile_bare(document, X, encoding=encoding, weight_bits=64)
    found = compiled.to_dcai()
    assert found["weights"] == pytest.approx(weights, abs=1e-12)
    assert {**found, "weights": weights} == document
    compiled.mirror.update(X[3], "yes" if weights[3] + 0.25 <= 0 else "no")
    taught = compiled.to_dcai()
    assert taught["weights"][3] != weights[3]
    again = compile_bare(taught, X, encoding=encoding)
    assert again.mirror.predict(X).tolist() == compiled.mirror.predict(X).tolist()


def test_three_classes_are_no_perceptron_of_dcai() -> None:
    with pytest.raises(UnsupportedModel, match="DCAI has no model"):
        models.dense_multiclass().to_dcai()


def test_sparse_weights_extend_the_dense_ones(tmp_path: Path) -> None:
    document = synthetic("sparse perceptron", sparseWeights={"3": 7.5, "41": -2.25})
    (tmp_path / "model.json").write_text(json.dumps(document))
    X = sparse.csr_array(np.eye(42)[[3, 41, 5]])
    compiled = compile_bare(tmp_path / "model.json", X, encoding="indices")
    model: Any = compiled.integers.model
    assert model.coef.shape == (1, 42)
    assert model.coef[0, 3] == 7.5
    assert model.coef[0, 41] == -2.25
    assert model.coef[0, 35] == 0.0
    assert compiled.verify(X, evm="revm").passed


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"type": "random forest"}, "random forest"),
        ({"weights": None}, "damaged"),
        ({"weights": ["a"]}, "damaged"),
        ({"classifications": ["one"]}, "two different classes"),
        ({"classifications": ["same", "same"]}, "two different classes"),
        ({"sparseWeights": {"-1": 1.0}}, "-1"),
        ({"featureIndices": [1, 2]}, "2 featureIndices for 30 weights"),
    ],
)
def test_damaged_document_is_refused(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InputInvalid, match=named):
        compile_bare({**synthetic("dense perceptron"), **change}, np.zeros((1, 30)))
