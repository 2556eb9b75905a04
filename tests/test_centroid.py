"""Centroid models: predictions, exact learning, refusals, faults."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.neighbors import NearestCentroid

from dcai_compile import Compiled, load_artifact
from dcai_compile.errors import (
    InputInvalid,
    InvalidOption,
    OverflowPossible,
    SampleOutOfRange,
    UnsupportedModel,
    UnsupportedStep,
)
from dcai_compile.families.centroid.mirror import CentroidMirror
from dcai_compile.model import Revert, margins
from tests import models
from tests.models import compile_bare
from tests.test_count_faults import last_of_highest
from tests.test_wrong_on_purpose import bump_first_weight, everywhere, substitute, with_source

HALF, WHOLE = 75, 140


def tf_idf() -> tuple[Any, Any]:
    X, y = models.text(200, 3)
    return sparse.csr_array(TfidfTransformer().fit_transform(X)), y


def shuffled(load: Callable[..., Any]) -> Callable[[], tuple[Any, Any]]:
    def data() -> tuple[Any, Any]:
        X, y = load(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(y))[:500]
        return X[order], y[order]

    data.__name__ = load.__name__
    return data


DATA: list[tuple[Any, str]] = [
    (models.iris, "dense"),
    (models.breast_cancer, "dense"),
    (shuffled(load_breast_cancer), "dense"),
    (shuffled(load_digits), "dense"),
    (shuffled(load_wine), "dense"),
    (lambda: models.text(200, 3), "indices"),
    (tf_idf, "pairs"),
]
BY_NAME = pytest.mark.parametrize(
    ("data", "encoding"), DATA, ids=lambda v: getattr(v, "__name__", v)
)


@BY_NAME
def test_parity(data: Any, encoding: str) -> None:
    X, y = data()
    compiled = compile_bare(NearestCentroid().fit(X, y), X, y)
    assert compiled.encoding == encoding
    report = compiled.verify(X[:120], evm="revm", updates=(X[100:120], y[100:120]))
    assert report.passed, report
    assert (report.updates, report.reverted) == (20, 0)


def test_two_evms_agree() -> None:
    X, y = models.iris()
    compiled = compile_bare(NearestCentroid().fit(X, y), X, y)
    report = compiled.verify(X, updates=(X[:10], y[:10]))
    assert report.passed
    assert len(report.evms) == 2


@BY_NAME
def test_sums_on_chain_are_the_sums_of_all_the_data(data: Any, encoding: str) -> None:
    """n updates give the very sums, and the predictions, of a fit on old and new data."""
    X, y = data()
    estimator = NearestCentroid().fit(X[:HALF], y[:HALF])
    compiled = compile_bare(estimator, X[:HALF], y[:HALF])
    report = compiled.verify(X[:3], evm="revm", updates=(X[HALF:WHOLE], y[HALF:WHOLE]))
    assert report.passed, report
    assert report.reverted == 0
    mirror = compiled.new_mirror()
    assert isinstance(mirror, CentroidMirror)
    for row in range(HALF, WHOLE):
        mirror.update(X[[row]], y[row])
    wire = compiled.integers.encoding.matrix(mirror.encode(X[:WHOLE]))
    wire = wire.toarray() if sparse.issparse(wire) else wire
    labels = np.unique(y)
    expected = [wire[y[:WHOLE] == label].astype(object).sum(axis=0).tolist() for label in labels]
    assert mirror.sums().tolist() == expected
    assert mirror.squares() == [sum(v * v for v in row) for row in expected]
    assert mirror.counts() == [int((y[:WHOLE] == label).sum()) for label in labels]
    refitted = NearestCentroid().fit(X[:WHOLE], y[:WHOLE])
    rest = X[WHOLE:]
    scores = 2.0 * np.asarray(rest @ refitted.centroids_.T) - (refitted.centroids_**2).sum(axis=1)
    decided = margins(scores) > 1e-6 * np.abs(scores).max()
    if rest.shape[0]:
        assert np.count_nonzero(decided) > 0.95 * len(decided)
        same = mirror.predict(rest) == refitted.predict(rest)
        assert np.all(same[decided])
        again = mirror.to_estimator()
        assert type(again) is NearestCentroid
        assert np.all((again.predict(rest) == mirror.predict(rest))[decided])


@pytest.mark.parametrize(
    ("settings", "encoding"),
    [
        ({"metric": "manhattan"}, "dense"),
        ({"metric": "manhattan"}, "pairs"),
        ({"shrink_threshold": 0.3}, "dense"),
        ({}, "dense"),
        ({}, "pairs"),
        ({}, "indices"),
    ],
)
def test_frozen(settings: dict[str, Any], encoding: str) -> None:
    X, y = models.iris() if encoding == "dense" else tf_idf()
    if encoding == "indices":
        X, y = models.text(200, 3)
    compiled = compile_bare(
        NearestCentroid(**settings).fit(X, y), X, update="frozen", encoding=encoding
    )
    report = compiled.verify(X[:100], evm="revm", updates=(X[:2], y[:2]))
    assert report.passed, report
    assert report.reverted == 2
    with pytest.raises(Revert, match="ModelIsFrozen"):
        compiled.mirror.update(X[[0]], y[0])


def test_identical_classes_tie_and_the_first_wins() -> None:
    X, _ = models.iris()
    twice = np.vstack([X[:40], X[:40]])
    y = np.repeat([5, 6], 40)
    compiled = compile_bare(NearestCentroid().fit(twice, y), twice, y)
    report = compiled.verify(X, evm="revm")
    assert report.evm_mismatches == 0
    assert report.undecided == len(X)
    assert set(compiled.mirror.predict(X).tolist()) == {5}


def test_a_class_of_one_sample_and_nothing_at_all() -> None:
    X, y = models.text(200, 2)
    y = y.copy()
    y[0] = 9
    compiled = compile_bare(NearestCentroid().fit(X, y), X, y)
    nothing = sparse.csr_array((1, 200))
    X = sparse.vstack([X[:10], nothing]).tocsr()
    report = compiled.verify(X, evm="revm", updates=(X, [9] * 11))
    assert report.passed, report
    assert report.samples == 11


def test_repeated_indices_keep_the_square_right() -> None:
    X, y = models.text(200, 2)
    mirror: Any = compile_bare(NearestCentroid().fit(X, y), X, y).new_mirror()
    mirror.update_encoded([7, 3, 7, 7], 1)
    sums = mirror.sums()[1].tolist()
    assert mirror.squares()[1] == sum(v * v for v in sums)


def test_limits_refuse_and_change_nothing() -> None:
    X, y = models.text(200, 2)
    X = X.copy()
    X[0, 3] = 512  # so that a lesson may have it 1,024 times
    compiled = compile_bare(NearestCentroid().fit(X, y), X, y, horizon=31, encoding="indices")
    mirror: Any = compiled.new_mirror()
    longest = compiled.integers.encoding.max_count
    for _ in range(31):
        mirror.update_encoded([3] * longest, 1)
    assert mirror.reach is not None
    largest = mirror.reach[1]
    assert (mirror.integers.lane_bits, largest // longest) == (16, 31)
    mirror.update_encoded([3] * (largest - 31 * longest), 1)
    before = mirror.sums().tolist(), mirror.counts(), mirror.squares()
    with pytest.raises(Revert, match=rf"LaneOverflow\(7, {largest + 1}\)"):
        mirror.update_encoded([4, 3], 1)
    assert (mirror.sums().tolist(), mirror.counts(), mirror.squares()) == before
    dense: Any = compile_bare(NearestCentroid().fit(X, y), X, y, encoding="dense").new_mirror()
    limit = dense.integers.max_value
    with pytest.raises(Revert, match="FeatureValueOutOfRange"):
        dense.update_encoded([-limit - 1] + [0] * 199, 0)
    dense.update_encoded([-limit] + [0] * 199, 0)


def test_refusals() -> None:
    X, y = models.iris()
    for settings in ({"shrink_threshold": 0.1}, {"metric": "manhattan"}):
        with pytest.raises(UnsupportedStep, match=next(iter(settings))):
            compile_bare(NearestCentroid(**settings).fit(X, y), X, y)
    for priors in ("empirical", [0.2, 0.3, 0.5]):
        skewed = NearestCentroid(priors=priors).fit(X[:100], y[:100])
        with pytest.raises(UnsupportedModel, match="priors"):
            compile_bare(skewed, X[:100], y[:100])
    # Equally many samples of each class make empirical priors uniform, until the first lesson.
    balanced = NearestCentroid(priors="empirical").fit(X, y)
    with pytest.raises(UnsupportedStep, match="empirical"):
        compile_bare(balanced, X, y)
    assert compile_bare(balanced, X, update="frozen").verify(X, evm="revm").passed
    estimator = NearestCentroid().fit(X, y)
    with pytest.raises(InvalidOption, match="how many samples") as caught:
        compile_bare(estimator, X)
    assert caught.value.option == "y"
    with pytest.raises(SampleOutOfRange, match="'eggs'"):
        compile_bare(estimator, X, ["eggs"] * len(X))
    with pytest.raises(InvalidOption, match="not the training data"):
        compile_bare(estimator, X[:100], y[:100])
    with pytest.raises(InvalidOption, match="not the training data"):
        compile_bare(estimator, X + 1e-6, y)
    for option, value in (("update", "hinge"), ("learning_rate", 0.1), ("weight_bits", 20)):
        with pytest.raises(InvalidOption) as caught:
            compile_bare(estimator, X, y, **{option: value})  # type: ignore[arg-type]
        assert caught.value.option == option
    with pytest.raises(OverflowPossible):
        compile_bare(estimator, X, y, weight_bits=16)
    manhattan = NearestCentroid(metric="manhattan").fit(X, y)
    with pytest.raises(InvalidOption, match="does not suit"):
        compile_bare(manhattan, X, encoding="indices", update="frozen")
    big = X * 1e9
    with pytest.raises(OverflowPossible, match="scale the features"):
        compile_bare(NearestCentroid().fit(big, y), big, y)


def test_artifact_comes_back(tmp_path: Any) -> None:
    X, y = tf_idf()
    compiled = compile_bare(NearestCentroid().fit(X, y), X, y)
    again = load_artifact(compiled.save(tmp_path / "model"))
    assert again.source == compiled.source
    assert again.mirror.predict(X).tolist() == compiled.mirror.predict(X).tolist()
    assert again.verify(X[:10], evm="revm", updates=(X[:5], y[:5])).passed


def document(**more: Any) -> dict[str, Any]:
    entries = {
        "a": {"centroid": [0.5, -1.0], "dataCount": 4},
        "b": {"centroid": [2.0, 0.25], "dataCount": 8},
        "c": {"centroid": [0.0, 0.0], "dataCount": 0},
    }
    return {"type": "nearest centroid classifier", "centroids": entries, **more}


def test_dcai_json_goes_in_and_comes_out() -> None:
    X = np.array([[0.5, -1.0], [2.0, 0.0], [-1.0, 3.0]])
    compiled = compile_bare(document(featureIndices=[3, 1]), X)
    assert compiled.to_dcai() == document(featureIndices=[3, 1])
    assert compiled.mirror.predict(X[:2]).tolist() == ["a", "b"]
    report = compiled.verify(X, evm="revm", updates=(X, ["c", "c", "a"]))
    assert report.passed, report
    compiled.mirror.update(X[2], "c")
    assert compiled.mirror.predict(X[2:]).tolist() == ["c"]
    words = {
        "type": "sparse nearest centroid classifier",
        "centroids": {
            "no": {"centroid": {"0": 0.5, "4": 0.25}, "dataCount": 8},
            "yes": {"centroid": {"1": 0.75, "4": 0.5}, "dataCount": 4},
        },
    }
    compiled = compile_bare(words, np.eye(5), encoding="indices")
    assert compiled.to_dcai() == words
    assert compiled.verify(np.eye(5), evm="revm", updates=(np.eye(5), ["no"] * 5)).passed


@pytest.mark.parametrize("update", ["auto", "frozen"])
def test_a_class_without_samples_has_no_mean(update: str) -> None:
    ghost = document()
    ghost["centroids"]["c"]["centroid"] = [1e3, -1e3]
    X = np.array([[0.5, -1.0], [2.0, 0.0], [-1.0, 3.0], [1e3, -1e3]])
    compiled = compile_bare(ghost, X, update=update)
    report = compiled.verify(X, evm="revm")
    assert report.passed, report
    assert report.undecided == 0
    assert report.bound < 1e-3
    assert "c" not in compiled.mirror.predict(X)
    for entry in ghost["centroids"].values():
        entry["dataCount"] = 0
    nobody = compile_bare(ghost, X, update=update)
    assert nobody.verify(X, evm="revm").passed
    assert set(nobody.mirror.predict(X)) == {"a"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"centroids": None}, "damaged"),
        ({"centroids": {n: {"centroid": [1.0], "dataCount": 1.5} for n in "12"}}, "1.5"),
        ({"centroids": {n: {"centroid": [1.0], "dataCount": 1 << 62} for n in "12"}}, "whole"),
        ({"centroids": {n: {"centroid": "12", "dataCount": 1} for n in "12"}}, "text"),
        (
            {"centroids": {n: {"centroid": {"999999999": 1.0}, "dataCount": 1} for n in "12"}},
            "too high",
        ),
        ({"centroids": {"a": {"centroid": [1.0], "dataCount": 1}}}, "'a'"),
        (
            {"centroids": {n: {"centroid": [1.0] * int(n), "dataCount": 1} for n in "12"}},
            "lengths",
        ),
        ({"centroids": {n: {"centroid": [1.0], "dataCount": -1} for n in "12"}}, "-1"),
        ({"featureIndices": [1]}, "1 featureIndices for 2 features"),
    ],
)
def test_damaged_dcai_json_is_refused(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InputInvalid, match=named):
        compile_bare(document(**change), np.zeros((1, 2)))


@cache
def compiled_model(name: str) -> Compiled:
    X, y = {"words": lambda: models.text(200, 3), "iris": models.iris, "tf-idf": tf_idf}[name]()
    return compile_bare(NearestCentroid().fit(X, y), X, y, name="Faulty")


FAULTS: dict[str, Callable[[str], str]] = {
    "a sum one higher": bump_first_weight,
    "> flipped to >=": last_of_highest,
    "the square stays": everywhere(r"(?<= grown = )[^;]*|mul\((sum\d+), \1\)", "0"),
    "the count stays": substitute(r"classification, 1(,|\);)", r"classification, 0\1"),
    "rounded towards zero": substitute(r"slt\(smod\(numerator, divisor\), 0\)", "0"),
    "half of the product": substitute(r"shl\(1, count\)", "count"),
    "a step in the wrong direction": lambda text: everywhere(
        r"add\((mload\(sub\(pointer, 32\)\)), (\d+)\)", r"sub(\2, \1)"
    )(text.replace("classification, GRAIN)", "classification, -GRAIN)")),
    "no class check": substitute(r"_requireClass\(classification, CLASSES\);\n", "\n"),
}


@pytest.mark.parametrize("name", ["words", "iris", "tf-idf"])
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(name: str, fault: str) -> None:
    X, y = {"words": lambda: models.text(200, 3), "iris": models.iris, "tf-idf": tf_idf}[name]()
    broken = with_source(compiled_model(name), FAULTS[fault])
    report = broken.verify(X[:20], evm="revm", updates=(X[20:35], y[20:35]))
    assert report.evm_mismatches > 0
    assert not report.passed
