"""GaussianNB: proved limits, proved errors, smoothing, and what the check of learning finds."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB

from dcai_compile import Compiled, abi
from dcai_compile.artifact import build
from dcai_compile.evm import open_evms
from dcai_compile.families import family_of
from dcai_compile.families.gaussian_bayes.bounds import _floors
from dcai_compile.families.gaussian_bayes.integers import GaussianIntegers
from dcai_compile.families.gaussian_bayes.mirror import GaussianMirror
from dcai_compile.layout import plan_layout
from dcai_compile.model import margins
from dcai_compile.parity import EvmCheck
from dcai_compile.render import render
from tests import models
from tests.models import compile_bare

ENDS = [-(2**63), 2**63 - 1]


@cache
def compiled_iris() -> Compiled:
    X, y = models.iris()
    return compile_bare(GaussianNB().fit(X[:100], y[:100]), X[:100], y[:100])


def integers_of(compiled: Compiled) -> GaussianIntegers:
    assert isinstance(compiled.integers, GaussianIntegers)
    return compiled.integers


def mirror_of(compiled: Compiled) -> GaussianMirror:
    mirror = compiled.new_mirror()
    assert isinstance(mirror, GaussianMirror)
    return mirror


def built(compiled: Compiled, integers: GaussianIntegers) -> Compiled:
    """The contract of other integers."""
    family = family_of(integers.model.family)
    layout = plan_layout(family.code_table(integers), family.storage_tables(integers), 1)
    source = render(integers, layout, compiled.options)
    request, contracts = build(source, layout, compiled.options, None)
    return replace(
        compiled,
        integers=integers,
        layout=layout,
        sources=source,
        standard_input=request,
        contracts=contracts,
    )


def on_chain(compiled: Compiled) -> EvmCheck:
    check = EvmCheck(compiled, open_evms("revm")[0])
    assert check.deploy()
    return check


# Limits


@pytest.mark.parametrize("var_smoothing", [1e-9, 1e-14])
@pytest.mark.parametrize("horizon", [100_000, 2**32])
def test_the_fullest_state_scores_the_farthest_sample_as_the_mirror(
    var_smoothing: float, horizon: int
) -> None:
    """What `unchecked` rests on: published sums as large as all the lanes together can become."""
    X, y = models.iris()
    estimator = GaussianNB(var_smoothing=var_smoothing).fit(X, y)
    compiled = compile_bare(estimator, X, y, horizon=horizon)
    integers = integers_of(compiled)
    n, most = integers.count_max, integers.max_value
    sums = tuple(tuple(s + n * most for s in row) for row in integers.sums)
    squares = tuple(tuple(q + n * most * most for q in row) for row in integers.squares)
    # One class at the positive end, one at the negative, one where half of the values are at each.
    sums = (sums[0], tuple(-s for s in sums[1]), tuple(0 for _ in sums[2]))
    full = replace(
        integers,
        model=replace(
            integers.model,
            class_counts=tuple(c + n for c in integers.model.class_counts),
            frozen=True,
        ),
        sums=sums,
        squares=squares,
        count_max=0,
    )
    check = on_chain(built(compiled, full))
    for first in (*ENDS, 0):
        for rest in (*ENDS, 0):
            sample = np.array([first, rest, rest, rest], np.int64)
            scores = check.mirror.scores([sample])[0]
            assert max(abs(int(score)) for score in scores).bit_length() <= 250
            check.sample(f"{sample}", sample, scores)
    assert check.found == []


def test_a_full_count_refuses_and_changes_nothing() -> None:
    X, _ = models.iris()
    compiled = compiled_iris()
    small = built(compiled, replace(integers_of(compiled), count_max=2))
    report = small.verify(X[:5], evm="revm", updates=(X[:9], [0, 1, 2] * 3))
    assert report.passed, report
    assert (report.updates, report.reverted) == (9, 3)


@pytest.mark.parametrize("scale", [1e-7, 1e-3, 1e3, 1e6])
def test_features_of_any_size(scale: float) -> None:
    X, y = models.iris()
    X = X * scale
    compiled = compile_bare(GaussianNB().fit(X, y), X, y)
    report = compiled.verify(X, evm="revm", updates=(X[:5], y[:5]))
    assert report.passed, report
    assert report.undecided <= (150 if scale < 1e-6 else 0)


# Errors


def exact_scores(integers: GaussianIntegers, sample: list[int]) -> list[Decimal]:
    """Twice the score of each class, from exact fractions and logarithms of 60 digits."""
    found = []
    for row, n in enumerate(integers.model.class_counts):
        product, distance = Decimal(n * n), Fraction(0)
        for feature, value in enumerate(sample):
            total, square = integers.sums[row][feature], integers.squares[row][feature]
            spread = integers.spread(row, feature, n, total, square)
            product *= Decimal(n * n) / Decimal(spread)
            distance += Fraction(integers.factor_k * (n * value - total) ** 2, spread)
        found.append(product.ln() - Decimal(distance.numerator) / Decimal(distance.denominator))
    return found


@pytest.mark.parametrize("data", [models.iris, models.breast_cancer])
def test_a_score_is_the_exact_one_within_the_proved_floors(data: Any) -> None:
    X, y = data()
    compiled = compile_bare(GaussianNB().fit(X, y), X, y)
    integers = integers_of(compiled)
    unit = Decimal(2) ** -integers.fraction_bits
    samples = compiled.mirror.encode(X[:30])
    with localcontext() as context:
        context.prec = 60
        for scores, sample in zip(compiled.mirror.scores(samples), samples, strict=True):
            exact = exact_scores(integers, sample.tolist())
            for ours, truth in zip(scores, exact, strict=True):
                assert abs(Decimal(int(ours)) * unit - truth) <= Decimal(_floors(integers))
    assert _floors(integers) < 1e-14


def test_sums_far_from_the_trained_moments_are_within_their_bound() -> None:
    """Variances of the integers that are far from the trained ones cost what the bound says."""
    X, _ = models.iris()
    compiled = compiled_iris()
    integers = integers_of(compiled)
    family = family_of(integers.model.family)
    for factor in (0.1, 0.5, 3.0, 100.0):
        moved = replace(integers.model, variances=integers.model.variances * factor)
        found = replace(integers, model=moved)
        theirs, _ = family.reference(moved, X)
        mirror = GaussianMirror(found)
        ours = mirror.real_scores(mirror.scores(mirror.encode(X)))
        bound = np.sum(family.error_bounds(found, X), axis=0)
        assert np.all(np.abs(ours - theirs).max(axis=1) <= bound)


# Smoothing


def test_batches_leave_a_smoothing_that_the_contract_keeps() -> None:
    """After `partial_fit` in batches some variance is below the last batch's smoothing."""
    X, y = load_digits(return_X_y=True)
    estimator = GaussianNB()
    parts = [slice(first, first + 100) for first in range(0, 500, 100)]
    for part in sorted(parts, key=lambda part: X[part].var(axis=0).max()):
        estimator.partial_fit(X[part], y[part], classes=range(10))
    assert estimator.var_.min() < estimator.epsilon_
    compiled = compile_bare(estimator, X[:500], y[:500])
    model = integers_of(compiled).model
    assert model.epsilon == estimator.var_.min()
    report = compiled.verify(X[500:530], evm="revm", updates=(X[600:605], y[600:605]))
    assert report.passed, report
    assert report.undecided == 0
    assert compiled.mirror.predict(X).tolist() == estimator.predict(X).tolist()


def test_the_smoothing_is_all_that_differs_from_a_fit_on_all_the_data() -> None:
    X, y = models.iris()
    estimator = GaussianNB(var_smoothing=1e-3).fit(X[:75], y[:75])
    mirror = mirror_of(compile_bare(estimator, X[:75], y[:75]))
    for x, label in zip(X[75:], y[75:], strict=True):
        mirror.update(x, label)
    refitted = GaussianNB(var_smoothing=1e-3).fit(X, y)
    assert refitted.epsilon_ != estimator.epsilon_
    ours = mirror.decision_function(X)
    theirs = refitted.predict_joint_log_proba(X)
    assert np.abs(ours - theirs).max() > 1e-3
    refitted.var_ += estimator.epsilon_ - refitted.epsilon_
    theirs = refitted.predict_joint_log_proba(X)
    assert np.abs(ours - theirs).max() < 1e-6
    assert np.array_equal(mirror.predict(X), refitted.predict(X))


@pytest.mark.parametrize("one_by_one", [False, True])
def test_labels_that_are_not_the_training_data_are_no_sums(one_by_one: bool) -> None:
    X, y = models.iris()
    estimator = GaussianNB().fit(X[:100], y[:100])
    other = y[:100].copy()
    if one_by_one:
        first, second = np.nonzero(other == 1)[0][0], np.nonzero(other == 2)[0][0]
        other[[first, second]] = 2, 1
    else:
        other = np.roll(other, 1)
    compiled = compile_bare(estimator, X[:100], other)
    assert not integers_of(compiled).from_training
    assert compiled.verify(X, evm="revm").passed


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_precision(dtype: Any) -> None:
    X, y = models.iris()
    narrow = X.astype(np.float32)
    estimator = GaussianNB().fit(narrow, y)
    assert estimator.theta_.dtype == np.float32
    compiled = compile_bare(estimator, narrow, y)
    report = compiled.verify(X.astype(dtype), evm="revm", updates=(narrow[:5], y[:5]))
    assert report.passed, report
    assert report.max_error > 0.0
    restored = mirror_of(compiled).to_estimator()
    assert restored.theta_.dtype == np.float64
    assert restored.predict(X).tolist() == compiled.mirror.predict(X).tolist()


# Learning


def test_learning_that_goes_wrong_is_found() -> None:
    X, y = models.iris()
    compiled = compiled_iris()
    integers = integers_of(compiled)
    learning = family_of(integers.model.family).learning_check(integers)
    assert learning is not None
    mirror = mirror_of(compiled)
    for row in range(100, 120):
        sample = mirror.encode(X[[row]])[0]
        mirror.update_encoded(sample.tolist(), int(y[row]))
        learning.step(X[[row]], sample, int(y[row]))
    assert learning.drift(mirror) <= learning.bound
    # A value that is 1e-5 off, a square that is 1e-4 off, and a sample too many.
    for lanes, step in ((mirror.sums_added, 10**4), (mirror.squares_added, 10**14)):
        lanes[1, 2] += step
        assert learning.drift(mirror) > learning.bound
        lanes[1, 2] -= step
    mirror.added[0] += 1
    assert learning.drift(mirror) > learning.bound


def test_large_variances_around_zero_are_followed_within_their_bound() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(200, 3)) * [1e5, 1.0, 1e-3]
    y = rng.integers(0, 2, 200)
    X[y == 1] += [5e4, 0.5, 1e-3]
    compiled = compile_bare(GaussianNB(var_smoothing=1e-16).fit(X, y), X, y)
    taught = np.vstack([np.zeros((5, 3)), X[:20]])
    report = compiled.verify(X[:40], evm="revm", updates=(taught, [0] * 5 + y[:20].tolist()))
    assert report.passed, report
    assert 0.0 < report.drift <= 1.0


def test_predictions_of_the_restored_estimator_are_the_contracts() -> None:
    X, y = load_digits(return_X_y=True)
    estimator = GaussianNB(priors=np.full(10, 0.1)).fit(X[:300], y[:300])
    mirror = mirror_of(compile_bare(estimator, X[:300], y[:300], class_names=list("abcdefghij")))
    for x, label in zip(X[300:340], y[300:340], strict=True):
        mirror.update(x, label)
    restored = mirror.to_estimator()
    decided = margins(restored.predict_joint_log_proba(X)) > 1e-3
    assert np.count_nonzero(decided) > 0.99 * len(X)
    assert np.array_equal(restored.predict(X)[decided], mirror.predict(X)[decided])
    assert restored.class_prior_.tolist() == [0.1] * 10


# Getters


def test_getters_give_counts_means_and_variances() -> None:
    X, y = models.iris()
    check = on_chain(compiled_iris())
    check.update("taught", check.mirror.encode(X[[120]])[0], int(y[120]))
    assert check.found == []
    mirror = check.mirror
    assert isinstance(mirror, GaussianMirror)
    means, variances = mirror.moments()

    def get(signature: str, *arguments: int) -> int:
        data = abi.selector(signature) + b"".join(abi.word(value) for value in arguments)
        result = check.evm.call(check.address, data)
        assert result.success
        return int.from_bytes(result.output, "big", signed=True)

    for row, count in enumerate(mirror.counts()):
        assert get("getNumSamples(uint256)", row) == count
        for feature in range(4):
            mean = get("mean(uint256,uint256)", row, feature)
            assert mean == pytest.approx(means[row, feature] * 1e9, abs=2.0)
            variance = get("variance(uint256,uint256)", row, feature)
            assert variance == pytest.approx(variances[row, feature] * 1e18, rel=1e-9)
    for signature, arguments in (
        ("mean(uint256,uint256)", (3, 0)),
        ("variance(uint256,uint256)", (0, 4)),
    ):
        data = abi.selector(signature) + b"".join(abi.word(value) for value in arguments)
        result = check.evm.call(check.address, data)
        assert "IndexOutOfRange" in abi.describe_revert(result.output, check.compiled.abi)
