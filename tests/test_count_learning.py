"""n updates on chain give the very model that training on old and new data together gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, MultinomialNB

from dcai_compile import bigfloat
from dcai_compile.families.count_bayes.mirror import CountMirror
from dcai_compile.model import Revert, margins
from tests import models
from tests.models import compile_bare
from tests.test_count_bayes import categories, tf_idf

HALF, WHOLE = 75, 150


def stream(estimator: Any, X: Any, y: Any, **options: Any) -> tuple[CountMirror, Any]:
    """A contract trained on half and taught the other half, and scikit-learn trained on all."""
    compiled = compile_bare(estimator.fit(X[:HALF], y[:HALF]), X[:HALF], **options)
    report = compiled.verify(X[:5], evm="revm", updates=(X[HALF:WHOLE], y[HALF:WHOLE]))
    assert report.passed, report  # every storage slot after every update is the mirror's
    assert (report.updates, report.reverted) == (WHOLE - HALF, 0)
    mirror = compiled.new_mirror()
    for row in range(HALF, WHOLE):
        mirror.update(X[[row]], y[row])
    assert isinstance(mirror, CountMirror)
    refitted = type(estimator)(**estimator.get_params()).fit(X[:WHOLE], y[:WHOLE])
    return mirror, refitted


def same_predictions(mirror: CountMirror, refitted: Any, X: Any) -> None:
    """On unseen samples, those apart of which scikit-learn's own margin says nothing."""
    scores = refitted.predict_joint_log_proba(X)
    decided = margins(np.asarray(scores)) > 1e-6
    assert np.count_nonzero(decided) > 0.9 * len(decided)
    expected = refitted.predict(X)
    assert np.array_equal(mirror.predict(X)[decided], expected[decided])
    again = mirror.to_estimator()
    assert type(again) is type(refitted)
    assert np.array_equal(again.predict(X)[decided], expected[decided])


@pytest.mark.parametrize(
    "estimator",
    [
        MultinomialNB(),
        MultinomialNB(alpha=0.1, fit_prior=False),
        ComplementNB(),
        ComplementNB(norm=True),
        BernoulliNB(),
        BernoulliNB(binarize=1.0, alpha=0.5),
    ],
    ids=str,
)
def test_words_counted_on_chain_are_the_words_of_all_the_data(estimator: Any) -> None:
    X, y = models.text(200, 3)
    mirror, refitted = stream(estimator, X, y)
    counts = refitted.feature_count_.astype(np.int64)
    assert mirror.counts().tolist() == counts.tolist()
    assert mirror.class_counts() == refitted.class_count_.astype(np.int64).tolist()
    assert mirror.class_totals() == counts.sum(axis=1).tolist()
    same_predictions(mirror, refitted, X[WHOLE:])


def test_categories_counted_on_chain_are_those_of_all_the_data() -> None:
    X, y = categories(200)
    mirror, refitted = stream(CategoricalNB(min_categories=[3, 6, 2, 9]), X, y)
    assert mirror.counts().tolist() == np.hstack(refitted.category_count_).astype(int).tolist()
    assert mirror.class_counts() == refitted.class_count_.astype(int).tolist()
    same_predictions(mirror, refitted, X[WHOLE:])


@pytest.mark.parametrize("encoding", ["pairs", "dense"])
@pytest.mark.parametrize("estimator", [MultinomialNB(), ComplementNB(norm=True)], ids=str)
def test_fractions_are_the_integer_sum_of_what_was_sent(estimator: Any, encoding: str) -> None:
    X, y = tf_idf()
    X = sparse.csr_array(X[:, :50])
    compiled = compile_bare(estimator.fit(X[:HALF], y[:HALF]), X[:HALF], encoding=encoding)
    mirror = compiled.new_mirror()
    assert isinstance(mirror, CountMirror)
    before = mirror.counts()
    wire = compiled.integers.encoding.matrix(mirror.encode(X[HALF:WHOLE]))
    wire = wire.toarray() if sparse.issparse(wire) else wire
    for row in range(HALF, WHOLE):
        mirror.update(X[[row]], y[row])
    added = [wire[y[HALF:WHOLE] == label].sum(axis=0).tolist() for label in range(3)]
    assert (mirror.counts() - before).tolist() == added
    refitted = type(estimator)(**estimator.get_params()).fit(X[:WHOLE], y[:WHOLE])
    same_predictions(mirror, refitted, X[WHOLE:])


def test_the_kept_product_is_the_product_of_all_numerators() -> None:
    """Within 2^-100 a factor of what is recomputed from the counts after many updates."""
    X, y = models.text(200, 3)
    mirror, refitted = stream(ComplementNB(norm=True), X, y)
    smoothed = refitted.feature_all_ + 1.0 - refitted.feature_count_
    for kept, row in zip(mirror.products(), smoothed.astype(int).tolist(), strict=True):
        exact = 1
        for factor in row:
            exact *= factor
        mantissa, exponent = bigfloat.unpack(kept)
        shift = exact.bit_length() - 128
        assert exponent == shift
        assert abs(mantissa - (exact >> shift)) < 1 << 28


def test_a_repeated_index_counts_again_where_counts_are_meant() -> None:
    X, y = models.text(200, 2)
    counted: Any = compile_bare(MultinomialNB().fit(X, y), X).new_mirror()
    present: Any = compile_bare(BernoulliNB().fit(X, y), X).new_mirror()
    for mirror, times in ((counted, 3), (present, 1)):
        before = mirror.counts()[1, 7]
        mirror.update_encoded([7] * times, 1)
        assert mirror.counts()[1, 7] - before == times
    with pytest.raises(Revert, match=r"FeatureRepeated\(1, 7, 1\)"):
        present.update_encoded([7, 7], 1)


def repetitive() -> tuple[Any, Any]:
    """Words, and one sample that has one of them 512 times: a lesson may have it 1,024 times."""
    X, y = models.text(200, 2)
    X = X.copy()
    X[0, 3] = 512
    return X, y


def test_a_full_lane_refuses_and_changes_nothing() -> None:
    X, y = repetitive()
    compiled = compile_bare(MultinomialNB().fit(X, y), X, horizon=31, encoding="indices")
    integers: Any = compiled.integers
    mirror: Any = compiled.new_mirror()
    largest = mirror.reach[1]  # of the digits that the layout has chosen
    assert largest >= integers.digits.maximum
    assert (integers.lane_bits, largest // 1024, integers.proved_updates) == (16, 31, 31)
    longest = compiled.integers.encoding.max_count
    for _ in range(31):
        mirror.update_encoded([3] * longest, 1)
    mirror.update_encoded([3] * (largest - 31 * longest), 1)
    assert mirror.delta[3, 1] == largest
    before = mirror.counts().tolist(), mirror.class_counts()
    with pytest.raises(Revert, match=rf"LaneOverflow\(7, {largest + 1}\)"):
        mirror.update_encoded([4, 3], 1)
    assert (mirror.counts().tolist(), mirror.class_counts()) == before
    full = sparse.csr_array(np.eye(200)[[3]] * longest)
    stream = sparse.vstack([full] * 33).tocsr()
    report = compiled.verify(X[:2], evm="revm", updates=(stream, [1] * 33))
    assert report.passed, report
    assert report.reverted == 2


def test_updates_of_values_above_the_proved_range_are_refused() -> None:
    X, y = tf_idf()
    compiled = compile_bare(MultinomialNB().fit(X, y), X, encoding="dense")
    limit = compiled.integers.max_value  # type: ignore[attr-defined]
    mirror = compiled.new_mirror()
    mirror.update_encoded([limit] * 200, 0)
    with pytest.raises(Revert, match=rf"FeatureValueOutOfRange\(0, {limit + 1}, {limit}\)"):
        mirror.update_encoded([limit + 1] * 200, 0)


def test_frozen_models_refuse_to_learn() -> None:
    X, y = models.text(200, 2)
    compiled = compile_bare(MultinomialNB().fit(X, y), X, update="frozen")
    report = compiled.verify(X[:10], evm="revm", updates=(X[:3], y[:3]))
    assert report.passed
    assert report.reverted == 3
