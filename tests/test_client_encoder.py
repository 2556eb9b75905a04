"""The client's steps give the very doubles of scikit-learn's transformers, and survive JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils import murmurhash3_32

from dcai_compile.client_encoder import Categories, ClientEncoder, Flags, Hash, Step
from dcai_compile.client_encoder.murmur3 import murmur3_32
from dcai_compile.client_encoder.step import width_after
from dcai_compile.errors import SampleOutOfRange
from dcai_compile.folding import fold
from dcai_compile.preprocess import client_steps

SETS = {"iris": load_iris, "digits": load_digits, "breast_cancer": load_breast_cancer}
DENSE: list[Any] = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    MinMaxScaler((-2.0, 3.0)),
    MaxAbsScaler(),
    RobustScaler(),
    RobustScaler(with_centering=False),
    Normalizer("l1"),
    Normalizer("l2"),
    Normalizer("max"),
    Binarizer(threshold=1.5),
    SelectKBest(k=3),
    VarianceThreshold(0.1),
    Pipeline([("a", StandardScaler()), ("b", Normalizer())]),
    FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())]),
    ColumnTransformer(
        [("a", StandardScaler(), [2, 0]), ("b", "drop", [1])], remainder="passthrough"
    ),
]
SPARSE: list[Any] = [
    StandardScaler(with_mean=False),
    MaxAbsScaler(),
    RobustScaler(with_centering=False),
    Normalizer("l1"),
    Normalizer("l2"),
    Normalizer("max"),
    Binarizer(threshold=0.5),
    SelectKBest(k=3),
    TfidfTransformer(),
    TfidfTransformer(norm=None, sublinear_tf=True),
    TfidfTransformer(use_idf=False, norm="l1"),
]
TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "Çafé au lait, naïve façade: déjà-vu! Ünïcödé",
    "numbers 123 4 56 and a b c of one letter",
    "  white   space\t\tand\n\nlines  ",
    "repeated repeated repeated words words",
    "the of and to in",
    "",
    "日本語 text ﬁnds ligatures ½ ²",
    "CamelCase and UPPER lower",
] * 2
VECTORIZERS: list[Any] = [
    CountVectorizer(),
    CountVectorizer(binary=True, lowercase=False),
    CountVectorizer(strip_accents="unicode", stop_words="english"),
    CountVectorizer(strip_accents="ascii", ngram_range=(1, 3)),
    CountVectorizer(ngram_range=(2, 2), token_pattern=r"(?u)\b\w+\b"),
    CountVectorizer(token_pattern=r"([a-z])\w+", stop_words=["q", "t"]),
    CountVectorizer(analyzer="char", ngram_range=(1, 4)),
    CountVectorizer(analyzer="char", ngram_range=(3, 3)),
    CountVectorizer(analyzer="char_wb", ngram_range=(2, 5)),
    CountVectorizer(vocabulary=["fox", "dog", "of", "words"]),
    CountVectorizer(max_features=7, min_df=2),
    TfidfVectorizer(),
    TfidfVectorizer(sublinear_tf=True, norm="l1", strip_accents="unicode"),
    TfidfVectorizer(norm=None, smooth_idf=False, analyzer="char_wb", ngram_range=(1, 2)),
    HashingVectorizer(n_features=64),
    HashingVectorizer(n_features=97, alternate_sign=False, norm=None),
    HashingVectorizer(n_features=16, norm="l1", binary=True, ngram_range=(1, 2)),
    HashingVectorizer(n_features=32, norm="l2", analyzer="char", ngram_range=(2, 3)),
    FeatureUnion([("a", CountVectorizer()), ("b", TfidfVectorizer(analyzer="char"))]),
]


def through_json(steps: tuple[Step, ...], n_inputs: int) -> ClientEncoder:
    """An encoder written down and read back, to the same bytes."""
    encoder = ClientEncoder(steps, n_inputs, width_after(steps, n_inputs))
    again = ClientEncoder.from_dict(json.loads(encoder.to_json()))
    assert again == encoder
    assert again.to_json() == encoder.to_json()
    return again


def same(found: Any, expected: Any) -> None:
    """The same doubles, to the last bit, and the same kind of matrix."""
    assert sparse.issparse(found) == sparse.issparse(expected)
    if sparse.issparse(found):
        found, expected = found.toarray(), expected.toarray()
    assert found.dtype == np.float64
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("data", SETS)
@pytest.mark.parametrize("transformer", DENSE, ids=str)
def test_dense_rows(transformer: Any, data: str) -> None:
    X, y = SETS[data](return_X_y=True)
    fitted = clone(transformer).fit(X[::2], y[::2])
    encoder = through_json(client_steps(fitted), X.shape[1])
    same(encoder.transform(X), np.asarray(fitted.transform(X), np.float64))


@pytest.mark.parametrize("transformer", SPARSE, ids=str)
def test_sparse_rows(transformer: Any) -> None:
    X, y = load_digits(return_X_y=True)
    X = sparse.csr_matrix(np.where(X > 8, X / 3.0, 0.0))
    fitted = clone(transformer).fit(X[::2], y[::2])
    encoder = through_json(client_steps(fitted), X.shape[1])
    before = X.copy()
    same(encoder.transform(X), sparse.csr_array(fitted.transform(X)))
    assert (abs(X - before)).nnz == 0  # the caller's matrix is left alone


@pytest.mark.parametrize(
    "transformer", [PCA(3), PCA(3, whiten=True), TruncatedSVD(3, random_state=0)], ids=str
)
def test_projections_are_equal_up_to_the_order_of_a_sum(transformer: Any) -> None:
    X, _ = load_iris(return_X_y=True)
    fitted = transformer.fit(X)
    encoder = through_json(client_steps(fitted), 4)
    assert np.allclose(encoder.transform(X), fitted.transform(X), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("vectorizer", VECTORIZERS, ids=lambda v: str(v)[:70])
def test_texts(vectorizer: Any) -> None:
    fitted = clone(vectorizer).fit(TEXTS)
    encoder = through_json(client_steps(fitted), 0)
    fresh = [*TEXTS, "unknown wörds and the fox", "x", " "]
    same(encoder.transform(fresh), sparse.csr_array(fitted.transform(fresh), dtype=np.float64))
    same(encoder.transform(np.array(fresh)), sparse.csr_array(fitted.transform(fresh), dtype=float))


def test_bytes_are_decoded() -> None:
    fitted = CountVectorizer(encoding="latin-1", strip_accents="unicode").fit(["café rôle"])
    encoder = through_json(client_steps(fitted), 0)
    texts = ["Café".encode("latin-1"), "rôle"]
    same(encoder.transform(texts), sparse.csr_array(fitted.transform(texts), dtype=np.float64))


def mixed() -> Any:
    rng = np.random.default_rng(1)
    X = np.empty((60, 3), dtype=object)
    X[:, 0] = np.array(["red", "green", "blue"], dtype=object)[rng.integers(0, 3, 60)]
    X[:, 1] = rng.integers(3, 7, 60)
    X[:, 2] = [f"word{i % 5} and word{i % 3}" for i in range(60)]
    return X


@pytest.mark.parametrize(
    "transformer",
    [
        OneHotEncoder(),
        OneHotEncoder(drop="first"),
        OneHotEncoder(drop="if_binary", handle_unknown="ignore"),
        OneHotEncoder(categories=[["blue", "green", "red"], [3, 4, 5, 6, 9]]),
        OrdinalEncoder(),
    ],
    ids=str,
)
def test_categories(transformer: Any) -> None:
    X = mixed()[:, :2]
    fitted = transformer.fit(X)
    encoder = through_json(client_steps(fitted), 2)
    expected = fitted.transform(X)
    same(
        encoder.transform(X), sparse.csr_array(expected) if sparse.issparse(expected) else expected
    )
    unknown = np.array([["yellow", 3]], dtype=object)
    if getattr(transformer, "handle_unknown", "") == "ignore":
        same(encoder.transform(unknown), sparse.csr_array(fitted.transform(unknown)))
    else:
        with pytest.raises(SampleOutOfRange, match="sample 0, column 0: 'yellow' is none of the 3"):
            encoder.transform(unknown)


def test_columns_of_text_and_categories() -> None:
    X = mixed()
    fitted = ColumnTransformer(
        [
            ("kind", OneHotEncoder(), [0]),
            ("text", TfidfVectorizer(), 2),
            ("number", MaxAbsScaler(), [1]),
        ]
    ).fit(X)
    encoder = through_json(client_steps(fitted), 3)
    expected = fitted.transform(X)
    expected = (
        sparse.csr_array(expected) if sparse.issparse(expected) else np.asarray(expected, float)
    )
    same(encoder.transform(X), expected)


def test_flags() -> None:
    encoder = through_json((Flags(),), 2)
    same(encoder.transform(np.array([[0, 1]])), np.array([[0.0, 1.0]]))
    for value in (2.0, -1.0, 0.5, float("nan")):
        for X in (np.array([[0.0, value]]), sparse.csr_array(np.array([[0.0, value]]))):
            with pytest.raises(SampleOutOfRange, match="takes 0 and 1"):
                encoder.transform(X)


@pytest.mark.parametrize("value", [-1, 3, 1.5, float("nan")])
def test_codes_that_are_no_categories(value: float) -> None:
    encoder = through_json((Categories((3, 2)),), 2)
    assert encoder.transform(np.array([[2, 1]])).indices.tolist() == [2, 4]
    with pytest.raises(SampleOutOfRange, match="sample 1, column 0") as caught:
        encoder.transform(np.array([[0, 0], [value, 1]]))
    assert (caught.value.sample, caught.value.feature) == (1, 0)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 2**32 - 1))
def test_hash(data: bytes, seed: int) -> None:
    assert murmur3_32(data, seed) == murmurhash3_32(data, seed)


def test_the_hash_that_has_no_magnitude() -> None:
    """abs(-2**31) is no 32-bit number; scikit-learn says what it counts as instead."""
    fitted = HashingVectorizer(n_features=10)
    (step, *_) = client_steps(fitted)
    assert isinstance(step, Hash)
    assert step._column(-(1 << 31)) == (2147483647 - 9) % 10
    assert step._column(-(1 << 31) + 1) == (2**31 - 1) % 10


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"version": 2}, "version 2"),
        ({"steps": [{"kind": "guess"}]}, "'guess'"),
        ({"steps": [{"kind": "select"}]}, "indices"),
        ({"steps": [{"kind": "divide", "values": ["a"]}]}, "could not convert"),
    ],
)
def test_damaged_facts(change: dict[str, Any], named: str) -> None:
    facts = {"version": 1, "n_inputs": 1, "n_features": 1, "steps": [], **change}
    with pytest.raises((ValueError, KeyError), match=named):
        ClientEncoder.from_dict(facts)


def test_wrong_number_of_columns() -> None:
    encoder = through_json((), 3)
    with pytest.raises(SampleOutOfRange, match="3 features"):
        encoder.transform(np.zeros((2, 4)))


FOLDING = [
    StandardScaler(),
    MinMaxScaler(),
    MaxAbsScaler(),
    RobustScaler(),
    SelectKBest(k=2),
    PCA(3, whiten=True),
    Pipeline([("a", StandardScaler()), ("b", PCA(2)), ("c", MinMaxScaler())]),
    FeatureUnion([("a", StandardScaler()), ("b", SelectKBest(k=2))]),
    ColumnTransformer([("a", StandardScaler(), [3, 1])], remainder="passthrough"),
]


@pytest.mark.parametrize("transformer", FOLDING, ids=lambda t: str(t)[:60])
def test_folded_scores_are_within_their_bound(transformer: Any) -> None:
    X, y = load_iris(return_X_y=True)
    fitted = clone(transformer).fit(X, y)
    prepared = np.asarray(fitted.transform(X), np.float64)
    rng = np.random.default_rng(0)
    coef, intercept = rng.normal(size=(3, prepared.shape[1])), rng.normal(size=3)
    folded = fold(client_steps(fitted), 4, coef, intercept)
    assert folded is not None
    error = np.abs(X @ folded.coef.T + folded.intercept - (prepared @ coef.T + intercept))
    allowed = (X @ folded.abs_coef.T + folded.abs_intercept) * 2.0**-53 * 2.0 * folded.depth
    assert np.all(error <= allowed)
    assert np.all(allowed < 1e-11)  # the bound says something


@pytest.mark.parametrize("transformer", [Normalizer(), Binarizer()], ids=str)
def test_what_is_not_affine_is_not_folded(transformer: Any) -> None:
    steps = client_steps(transformer.fit(np.ones((2, 3))))
    assert fold(steps, 3, np.ones((1, 3)), np.ones(1)) is None
