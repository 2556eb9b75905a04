"""Naive Bayes on counts: predictions, settings, extremes, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, MultinomialNB

from benchmarks.datasets import zipf_text
from dcai_compile import Compiled, load_artifact
from dcai_compile.errors import (
    InputInvalid,
    InvalidOption,
    OverflowPossible,
    SampleOutOfRange,
    UnsupportedModel,
)
from dcai_compile.model import Revert
from dcai_compile.verify import ParityReport
from tests import models
from tests.models import compile_bare


def check(compiled: Compiled, X: Any, y: Any, evm: str = "revm") -> ParityReport:
    report = compiled.verify(X[:80], evm=evm, updates=(X[80:95], y[80:95]))
    assert report.passed, report
    assert report.evm_mismatches == report.disagreements == 0
    assert report.updates == 15
    return report


def categories(n_samples: int = 150) -> tuple[Any, Any]:
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, n_samples)
    return (rng.integers(0, [3, 6, 2, 9], (n_samples, 4)) + y.reshape(-1, 1)) % [3, 6, 2, 9], y


def tf_idf(n_classes: int = 3) -> tuple[Any, Any]:
    X, y = models.text(200, n_classes)
    return sparse.csr_array(TfidfTransformer().fit_transform(X)), y


TEXT_SETTINGS = [
    MultinomialNB(),
    MultinomialNB(alpha=0.1),
    MultinomialNB(alpha=1e-3, fit_prior=False),
    MultinomialNB(alpha=0.0, force_alpha=False),
    MultinomialNB(class_prior=[0.2, 0.3, 0.5]),
    MultinomialNB(class_prior=[0.0, 0.25, 0.75]),
    MultinomialNB(alpha=np.linspace(0.1, 2.0, 200).round(2)),
    ComplementNB(),
    ComplementNB(alpha=0.5),
    ComplementNB(norm=True),
    ComplementNB(alpha=np.linspace(0.1, 2.0, 200).round(2), norm=True),
    BernoulliNB(),
    BernoulliNB(alpha=0.01, fit_prior=False),
    BernoulliNB(binarize=1.0),
    BernoulliNB(class_prior=[0.2, 0.3, 0.5]),
]


@pytest.mark.filterwarnings("ignore:.*alpha too small:UserWarning")
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("estimator", TEXT_SETTINGS, ids=lambda e: str(e)[:60])
def test_words(estimator: Any) -> None:
    X, y = models.text(200, 3)
    compiled = compile_bare(estimator.fit(X, y), X)
    assert compiled.encoding == "indices"
    report = check(compiled, X, y)
    assert report.undecided == 0
    assert (report.drift, report.drift_bound) == (0.0, 0.0)
    assert compiled.new_mirror().predict(X).tolist() == estimator.predict(X).tolist()


@pytest.mark.parametrize(
    "estimator",
    [MultinomialNB(), MultinomialNB(alpha=0.01, fit_prior=False), ComplementNB(norm=True)],
    ids=str,
)
@pytest.mark.parametrize("encoding", ["pairs", "dense"])
def test_fractional_counts(estimator: Any, encoding: str) -> None:
    X, y = tf_idf()
    X = X[:, :60]
    compiled = compile_bare(estimator.fit(X, y), X, encoding=encoding)
    check(compiled, X, y)


@pytest.mark.parametrize(
    "estimator",
    [CategoricalNB(), CategoricalNB(alpha=0.1, min_categories=12), CategoricalNB(fit_prior=False)],
    ids=str,
)
def test_categories(estimator: Any) -> None:
    X, y = categories()
    compiled = compile_bare(estimator.fit(X, y), X)
    report = check(compiled, X, y, evm="auto")
    assert report.undecided == 0


def test_many_categories_and_few_samples() -> None:
    """The denominator of a column is then mostly smoothing, wider than any count."""
    X, y = categories(20)
    for update in ("frozen", "auto"):
        estimator = CategoricalNB(alpha=7.5, min_categories=200).fit(X, y)
        compiled = compile_bare(estimator, X, update=update)
        every = np.repeat(np.arange(200), 4).reshape(-1, 4)
        report = compiled.verify(every, evm="revm", updates=(X[:3], y[:3]))
        assert report.passed, report


@pytest.mark.parametrize("estimator", [MultinomialNB(), ComplementNB(), BernoulliNB(binarize=7.0)])
def test_real_counts_of_ten_classes(estimator: Any) -> None:
    X, y = load_digits(return_X_y=True)
    compiled = compile_bare(estimator.fit(X, y), X)
    assert compiled.encoding == "indices"
    check(compiled, X, y)


def test_measurements_of_two_classes() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    compiled = compile_bare(MultinomialNB().fit(X, y), X)
    assert compiled.encoding == "dense"
    check(compiled, X, y)


def test_two_evms_agree() -> None:
    X, y = models.text(200, 2)
    check(compile_bare(MultinomialNB().fit(X, y), X), X, y, evm="auto")


def test_counts_too_many_for_one_contract() -> None:
    X, y = models.text(4200, 3)
    compiled = compile_bare(MultinomialNB().fit(X, y), X, weight_bits=16)
    assert len(compiled.contracts) > 1
    check(compiled, X, y)
    X, y = X[:, :3100], y
    compiled = compile_bare(BernoulliNB().fit(X, y), X, weight_bits=16)
    assert len(compiled.contracts) > 1
    report = compiled.verify(X[:5], evm="revm", updates=(X[:2], y[:2]))
    assert report.passed, report


def test_long_documents_of_many_classes_are_decided() -> None:
    """500 words each, of 20 classes and 5,000 words: far below what a fixed point can hold."""
    X, y = zipf_text(300, 5000, 20, seed=11, length=(500, 500))
    estimator = MultinomialNB().fit(X, y)
    compiled = compile_bare(estimator, X)
    report = compiled.verify(X[:40], evm="revm")
    assert report.passed
    assert report.undecided == 0
    logs = compiled.mirror.decision_function(X[:1])
    assert logs.max() < -2000.0  # a probability below 10 ** -868
    assert compiled.mirror.predict(X).tolist() == estimator.predict(X).tolist()


def test_one_token_and_two_thousand() -> None:
    X, y = models.text(200, 3)
    long = np.zeros((1, 200))
    long[0, :8] = 250.0
    X = sparse.vstack([X, sparse.csr_array(long), sparse.csr_array(np.eye(200)[[7]])]).tocsr()
    estimator = MultinomialNB().fit(X[:-2], y)
    compiled = compile_bare(estimator, X)
    assert [len(sample) for sample in compiled.encode(X[-2:])] == [2000, 1]
    report = compiled.verify(X[-2:], evm="revm", updates=(X[-2:], [0, 1]))
    assert report.passed, report


def test_a_sample_without_any_word_is_decided_by_the_prior() -> None:
    X, y = models.text(200, 3)
    nothing = sparse.csr_array((1, 200))
    for estimator in (MultinomialNB(), ComplementNB(norm=True), BernoulliNB()):
        compiled = compile_bare(estimator.fit(X, y), X)
        report = compiled.verify(nothing, evm="revm", updates=(nothing, [1]))
        assert report.passed
        assert report.samples == 1


def test_a_feature_never_seen_and_a_class_of_one_sample() -> None:
    X, y = models.text(200, 2)
    X = sparse.hstack([X, sparse.csr_array((X.shape[0], 2))]).tocsr()
    y = y.copy()
    y[5] = 9
    for estimator in (MultinomialNB(), ComplementNB(), BernoulliNB()):
        compiled = compile_bare(estimator.fit(X, y), X)
        unseen = sparse.csr_array(np.eye(202)[[200, 201]])
        both = sparse.vstack([X[:20], unseen]).tocsr()
        report = compiled.verify(both, evm="revm", updates=(both, [9] * 22))
        assert report.passed, report


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("kind", [MultinomialNB, ComplementNB, BernoulliNB])
def test_a_class_without_samples(kind: Any) -> None:
    """It has a probability of 0 where the prior follows the samples, until it is taught."""
    X, y = models.text(200, 2)
    estimator = kind().partial_fit(X, y, classes=[0, 1, 2])
    compiled = compile_bare(estimator, X)
    report = compiled.verify(X[:30], evm="revm", updates=(X[:3], [2, 2, 0]))
    assert report.passed, report
    mirror = compiled.new_mirror()
    assert mirror.predict(X[:30]).tolist() == estimator.predict(X[:30]).tolist()
    mirror.update(X[[0]], 2)
    estimator.partial_fit(X[[0]], [2])
    assert mirror.predict(X[:30]).tolist() == estimator.predict(X[:30]).tolist()


def test_identical_classes_tie_and_the_first_wins() -> None:
    X, _ = models.text(200, 2)
    X = sparse.vstack([X[:50], X[:50]]).tocsr()
    y = np.repeat([3, 4], 50)
    for estimator in (MultinomialNB(), ComplementNB(), ComplementNB(norm=True), BernoulliNB()):
        compiled = compile_bare(estimator.fit(X, y), X)
        report = compiled.verify(X[:20], evm="revm")
        assert report.evm_mismatches == 0
        assert report.undecided == 20
        assert set(compiled.mirror.predict(X).tolist()) == {3}


def test_flags_that_are_none_are_refused() -> None:
    """With binarize=None scikit-learn takes samples as they are, and multiplies by what is no flag."""
    X, y = models.text(200, 3)
    flags = (X > 0).astype(np.float64).tocsr()
    estimator = BernoulliNB(binarize=None).fit(flags, y)
    compiled = compile_bare(estimator, flags)
    check(compiled, flags, y)
    with pytest.raises(SampleOutOfRange, match=r"the value 2\.0"):
        compiled.encode(flags * 2.0)


def test_labels_are_not_needed_and_need_not_be_the_classes() -> None:
    """A data file may name classes in its own way; only as many labels as samples make sense."""
    X, y = models.text(200, 3)
    estimator = MultinomialNB().fit(X, y)
    with pytest.raises(InvalidOption, match="3 labels for 200") as caught:
        compile_bare(estimator, X, [0, 1, 2])
    assert caught.value.option == "y"
    compiled = compile_bare(estimator, X, ["eggs"] * 200)
    assert compiled.source == compile_bare(estimator, X).source


def test_unseen_category_is_refused_by_name_and_by_the_contract() -> None:
    X, y = categories()
    compiled = compile_bare(CategoricalNB().fit(X, y), X)
    with pytest.raises(IndexError):
        CategoricalNB().fit(X, y).predict([[0, 6, 0, 0]])
    with pytest.raises(SampleOutOfRange, match="6"):
        compiled.encode([[0, 6, 0, 0]])
    with pytest.raises(Revert, match=r"CategoryOutOfRange\(1, 9\)"):
        compiled.mirror.encode_check([0, 9, 9, 11])
    compiled.mirror.encode_check([0, 8, 9, 11])


def test_negative_values_are_refused_by_the_contract() -> None:
    X, y = tf_idf()
    compiled = compile_bare(MultinomialNB().fit(X, y), X, encoding="dense")
    for index in (0, 199):
        sample = [0] * 200
        sample[index] = -1
        with pytest.raises(Revert, match=rf"NegativeFeatureValue\({index}, -1\)"):
            compiled.mirror.encode_check(sample)


def test_sample_weights_make_fractions() -> None:
    X, y = models.text(200, 3)
    weights = np.random.default_rng(2).uniform(0.1, 3.0, len(y))
    for estimator in (MultinomialNB(), ComplementNB(norm=True), BernoulliNB()):
        compiled = compile_bare(estimator.fit(X, y, sample_weight=weights), X)
        assert compiled.integers.grain == 1 << 24  # type: ignore[attr-defined]
        check(compiled, X, y)


@pytest.mark.parametrize("kind", [MultinomialNB, ComplementNB, BernoulliNB])
def test_no_smoothing_at_all_is_refused(kind: Any) -> None:
    X, y = models.text(200, 2)
    with np.errstate(all="ignore"), pytest.raises(UnsupportedModel, match="probability of 0"):
        compile_bare(kind(alpha=0.0).fit(X, y), X)


def test_other_refusals() -> None:
    X, y = models.text(200, 2)
    with pytest.raises(UnsupportedModel, match="one class"):
        compile_bare(MultinomialNB().fit(X, np.zeros(len(y))), X)
    with pytest.raises(UnsupportedModel, match="one feature"):
        compile_bare(ComplementNB(norm=True).fit(X[:, :1], y), X[:, :1])
    estimator = MultinomialNB().fit(X, y)
    for option, value in (("update", "perceptron"), ("learning_rate", 0.1), ("weight_bits", 20)):
        with pytest.raises(InvalidOption) as caught:
            compile_bare(estimator, X, **{option: value})  # type: ignore[arg-type]
        assert caught.value.option == option
    with pytest.raises(OverflowPossible, match="weight_bits=8"):
        compile_bare(estimator, X, weight_bits=8)
    for encoding in ("dense", "pairs"):
        with pytest.raises(InvalidOption, match="does not suit"):
            compile_bare(BernoulliNB().fit(X, y), X, encoding=encoding)


def test_alpha_too_fine_for_the_product_is_refused() -> None:
    X, y = tf_idf()
    estimator = MultinomialNB(alpha=1e-18 / 3.0).fit(X, y)
    with pytest.raises(OverflowPossible, match="too fine"):
        compile_bare(estimator, X)


def test_artifact_comes_back_and_predicts_the_same(tmp_path: Any) -> None:
    X, y = categories()
    cases = [(CategoricalNB(), X, y), (ComplementNB(norm=True), *models.text(200, 3))]
    for number, (estimator, samples, labels) in enumerate(cases):
        compiled = compile_bare(estimator.fit(samples, labels), samples)
        again = load_artifact(compiled.save(tmp_path / str(number)))
        assert again.source == compiled.source
        assert again.encode(samples) == compiled.encode(samples)
        expected = estimator.predict(samples).tolist()
        assert again.mirror.predict(samples).tolist() == expected


def document(**more: Any) -> dict[str, Any]:
    return {
        "type": "naive bayes",
        "classifications": ["no", "yes"],
        "classCounts": [3, 2],
        "featureCounts": [[[0, 2], [2, 1]], [[1, 4]]],
        "totalNumFeatures": 3,
        "smoothingFactor": 0.5,
        **more,
    }


def test_dcai_json_goes_in_and_comes_out() -> None:
    X = np.eye(3)[[0, 1, 2, 0]]
    compiled = compile_bare(document(featureIndices=[7, 1, 4]), X, encoding="indices")
    assert compiled.to_dcai() == document(featureIndices=[7, 1, 4])
    assert compiled.mirror.predict(X).tolist() == ["no", "yes", "no", "no"]
    report = compiled.verify(X, evm="revm", updates=(X, ["yes"] * 4))
    assert report.passed, report
    compiled.mirror.update(X[1], "no")
    assert compiled.to_dcai()["featureCounts"][0] == [[0, 2], [1, 1], [2, 1]]
    again = compile_bare(compiled.to_dcai(), X, encoding="indices")
    assert again.mirror.predict(X).tolist() == compiled.mirror.predict(X).tolist()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"classCounts": [1]}, "counts of 1 classes"),
        ({"featureCounts": [[[3, 1]], []]}, "feature 3 of 3"),
        ({"featureCounts": None}, "damaged"),
        ({"classifications": ["a", "a"]}, "'a'"),
        ({"featureIndices": [1]}, "1 featureIndices for 3 features"),
        ({"smoothingFactor": 0}, "smoothingFactor"),
    ],
)
def test_damaged_dcai_json_is_refused(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InputInvalid, match=named):
        compile_bare(document(**change), np.eye(3), encoding="indices")


def test_only_models_of_its_shape_go_to_dcai() -> None:
    X, y = models.text(200, 2)
    for estimator in (ComplementNB(), BernoulliNB(), MultinomialNB(fit_prior=False)):
        with pytest.raises(UnsupportedModel, match="DCAI has no model"):
            compile_bare(estimator.fit(X, y), X).to_dcai()
