"""GaussianNB: predictions, exact learning, extremes, refusals, faults."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.naive_bayes import GaussianNB

from dcai_compile import Compiled, load_artifact
from dcai_compile.errors import InvalidOption, OverflowPossible, UnsupportedModel
from dcai_compile.families.gaussian_bayes.mirror import GaussianMirror
from dcai_compile.model import Revert, margins
from tests import models
from tests.models import compile_bare
from tests.test_centroid import shuffled
from tests.test_wrong_on_purpose import bump_first_weight, substitute, with_source

DATA: list[Any] = [
    models.iris,
    models.breast_cancer,
    shuffled(load_breast_cancer),
    shuffled(load_digits),
    shuffled(load_wine),
]
BY_NAME = pytest.mark.parametrize("data", DATA, ids=lambda v: getattr(v, "__name__", v))


@BY_NAME
@pytest.mark.parametrize("with_labels", [True, False])
def test_parity(data: Any, with_labels: bool) -> None:
    X, y = data()
    compiled = compile_bare(GaussianNB().fit(X, y), X, y if with_labels else None)
    assert compiled.encoding == "dense"
    integers: Any = compiled.integers
    assert integers.from_training == with_labels
    report = compiled.verify(X[:60], evm="revm", updates=(X[60:70], y[60:70]))
    assert report.passed, report
    assert (report.updates, report.reverted) == (10, 0)


@pytest.mark.parametrize(
    "settings",
    [{"priors": [0.2, 0.3, 0.5]}, {"var_smoothing": 1e-3}, {"var_smoothing": 0.0}],
    ids=str,
)
def test_settings(settings: dict[str, Any]) -> None:
    X, y = models.iris()
    estimator = GaussianNB(**settings).fit(X, y)
    compiled = compile_bare(estimator, X, y)
    report = compiled.verify(X, updates=(X[:10], y[:10]))
    assert report.passed, report
    restored = compiled.new_mirror().to_estimator()
    assert type(restored) is GaussianNB
    assert restored.predict(X).tolist() == estimator.predict(X).tolist()


@BY_NAME
def test_sums_on_chain_are_the_sums_of_all_the_data(data: Any) -> None:
    """n updates give the very sums of a fit on old and new data, and its predictions."""
    X, y = data()
    # Two features less than the smoothing is taken from would change it; the widest one is in both.
    half, whole = 75, 140
    estimator = GaussianNB().fit(X[:half], y[:half])
    compiled = compile_bare(estimator, X[:half], y[:half])
    report = compiled.verify(X[:3], evm="revm", updates=(X[half:whole], y[half:whole]))
    assert report.passed, report
    mirror = compiled.new_mirror()
    assert isinstance(mirror, GaussianMirror)
    for row in range(half, whole):
        mirror.update(X[[row]], y[row])
    wire = np.stack(mirror.encode(X[:whole])).astype(object)
    groups = [wire[y[:whole] == label] for label in np.unique(y)]
    assert mirror.sums().tolist() == [group.sum(axis=0).tolist() for group in groups]
    assert mirror.squares().tolist() == [(group * group).sum(axis=0).tolist() for group in groups]
    assert mirror.counts() == [len(group) for group in groups]
    # The smoothing is a share of the largest variance, which more data change: asked for as it was.
    largest = float(np.var(X[:whole], axis=0).max())
    refitted = GaussianNB(var_smoothing=estimator.epsilon_ / largest).fit(X[:whole], y[:whole])
    rest = X[whole:] if len(X) > whole + 5 else X
    decided = margins(refitted.predict_joint_log_proba(rest)) > 1e-4
    assert np.count_nonzero(decided) > 0.95 * len(decided)
    assert np.all((mirror.predict(rest) == refitted.predict(rest))[decided])
    again = mirror.to_estimator()
    assert np.allclose(again.theta_, refitted.theta_, rtol=1e-9, atol=1e-8)
    assert np.all((again.predict(rest) == refitted.predict(rest))[decided])


def test_smoothing_stays_where_partial_fit_would_lose_it() -> None:
    """scikit-learn's partial_fit takes the smoothing from the batch: of one sample it is 0."""
    X, y = models.iris()
    X = np.hstack([X, np.ones((len(X), 1))])
    estimator = GaussianNB().fit(X, y)
    compiled = compile_bare(estimator, X, y)
    mirror = compiled.new_mirror()
    mirror.update(X[0], y[0])
    assert mirror.to_estimator().var_[0, 4] == pytest.approx(estimator.epsilon_)
    estimator.partial_fit(X[:1], y[:1])
    assert estimator.epsilon_ == 0.0
    report = compiled.verify(X, evm="revm", updates=(X[:5], y[:5]))
    assert report.passed, report


def test_a_class_of_one_sample_and_one_of_none() -> None:
    X, y = models.iris()
    y = np.where(np.arange(len(y)) == 3, 7, y)
    compiled = compile_bare(GaussianNB().fit(X, y), X, y)
    assert compiled.verify(X[:40], evm="revm", updates=(X[:3], [7, 7, 0])).passed
    with np.errstate(divide="ignore"):
        estimator = GaussianNB().partial_fit(X, y, classes=[0, 1, 2, 5, 7])
        compiled = compile_bare(estimator, X, y)
        report = compiled.verify(X[:40], evm="revm", updates=(X[:3], [5, 5, 0]))
        assert report.passed, report
        assert compiled.mirror.predict(X).tolist() == estimator.predict(X).tolist()
    mirror = compiled.new_mirror()
    for sample in X[:30]:
        mirror.update(sample, 5)
    assert 5 in mirror.predict(X[:30]).tolist()


def test_identical_classes_tie_and_the_first_wins() -> None:
    X, _ = models.iris()
    twice = np.vstack([X[:40], X[:40]])
    y = np.repeat([5, 6], 40)
    compiled = compile_bare(GaussianNB().fit(twice, y), twice, y)
    report = compiled.verify(X, evm="revm")
    assert report.evm_mismatches == 0
    assert report.undecided == len(X)
    assert set(compiled.mirror.predict(X).tolist()) == {5}


def test_any_int64_is_scored_after_as_many_updates_as_fit() -> None:
    """Nothing overflows in the state that the limits allow, at the ends of what a sample can be."""
    X, y = models.iris()
    compiled = compile_bare(GaussianNB().fit(X, y), X, y)
    integers: Any = compiled.integers
    mirror: Any = compiled.new_mirror()
    mirror.added[1] = integers.count_max
    mirror.sums_added[1] += integers.count_max * integers.max_value
    mirror.squares_added[1] += integers.count_max * integers.max_value**2
    ends = [[sign * 2**63 - (sign > 0)] * 4 for sign in (1, -1)]
    scores = mirror.scores([np.array(sample, np.int64) for sample in ends])
    assert max(abs(int(score)) for score in scores.ravel()).bit_length() <= 255
    with pytest.raises(Revert, match=rf"LaneOverflow\(25, {integers.count_max + 1}\)"):
        mirror.update_encoded([0] * 4, 1)


def test_updates_of_values_above_the_proved_range_are_refused() -> None:
    X, y = models.iris()
    mirror: Any = compile_bare(GaussianNB().fit(X, y), X, y).new_mirror()
    limit = mirror.integers.max_value
    mirror.update_encoded([limit, -limit, 0, 0], 1)
    before = mirror.parameters()
    for value in (limit + 1, -limit - 1):
        with pytest.raises(Revert, match=rf"FeatureValueOutOfRange\(1, {value}, {limit}\)"):
            mirror.update_encoded([0, value, 0, 0], 1)
    assert mirror.parameters() == before


def test_refusals() -> None:
    X, y = models.iris()
    weighted = GaussianNB().fit(X, y, sample_weight=np.linspace(0.1, 2.0, len(y)))
    with pytest.raises(UnsupportedModel, match="sample weights"):
        compile_bare(weighted, X, y)
    with pytest.raises(UnsupportedModel, match="one class"):
        compile_bare(GaussianNB().fit(X, np.zeros(len(y))), X)
    flat = np.hstack([X, np.ones((len(X), 1))])
    with pytest.raises(UnsupportedModel, match="feature 4 does not vary"):
        compile_bare(GaussianNB(var_smoothing=0.0).fit(flat, y), flat, y)
    unseen = GaussianNB(priors=[0.25] * 4).partial_fit(X, y, classes=[0, 1, 2, 3])
    with pytest.raises(UnsupportedModel, match="class 3"):
        compile_bare(unseen, X, y)
    estimator = GaussianNB().fit(X, y)
    for option, value in (
        ("update", "hinge"),
        ("learning_rate", 0.1),
        ("weight_bits", 64),
        ("encoding", "pairs"),
    ):
        with pytest.raises(InvalidOption) as caught:
            compile_bare(estimator, X, y, **{option: value})  # type: ignore[arg-type]
        assert caught.value.option == option
    wide = X * 1e8
    with pytest.raises(OverflowPossible, match="scale the features"):
        compile_bare(GaussianNB().fit(wide, y), wide, y)


def test_frozen_and_artifact(tmp_path: Any) -> None:
    X, y = models.iris()
    compiled = compile_bare(GaussianNB().fit(X, y), X, y, update="frozen")
    again = load_artifact(compiled.save(tmp_path / "model"))
    assert again.source == compiled.source
    report = again.verify(X, evm="revm", updates=(X[:2], y[:2]))
    assert report.passed
    assert report.reverted == 2


@cache
def compiled_iris() -> Compiled:
    X, y = models.iris()
    estimator = GaussianNB(var_smoothing=1e-3).fit(X, y)
    return compile_bare(estimator, X, y, name="Faulty")


FAULTS: dict[str, Callable[[str], str]] = {
    "a sum one higher": bump_first_weight,
    "> flipped to >=": substitute(r"sgt\(score, highest\)", "iszero(slt(score, highest))"),
    "no smoothing": substitute(r" \+ EPSILON \* \(count \* count\)", ""),
    "no prior": substitute(r"COUNT_POWER = 10", "COUNT_POWER = 8"),
    "the count stays": substitute(r"countDelta\[classification\] = uint64\(samples\);", ""),
    "the squares stay": substitute(r" \+ value \* value", ""),
    "a step in the wrong direction": substitute(r"0, 128\) \+ value", "0, 128) - value"),
    "what was added is not read": substitute(r"if \(countDelta\[row\] != 0\)", "if (false)"),
    "another logarithm": substitute(r"LN2_X64 = 1", "LN2_X64 = 2"),
    "no class check": substitute(r"_requireClass\(classification, CLASSES\);\n", "\n"),
    "no check of values": substitute(r"if \(value > MAX_VALUE .*\n", "\n"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault: str) -> None:
    X, y = models.iris()
    broken = with_source(compiled_iris(), FAULTS[fault])
    report = broken.verify(X[:20], evm="revm", updates=(X[20:30], y[20:30]))
    assert report.evm_mismatches > 0
    assert not report.passed


def test_without_a_fault_parity_holds() -> None:
    X, y = models.iris()
    assert compiled_iris().verify(X[:20], evm="revm", updates=(X[20:30], y[20:30])).passed
