"""Pipelines: from raw samples through a client without scikit-learn to a label of the contract."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_utils.crypto import keccak
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from dcai_compile import Compiled, abi, load_artifact
from dcai_compile.errors import (
    ArtifactInvalid,
    NotFitted,
    SampleOutOfRange,
    UnsupportedModel,
    UnsupportedStep,
)
from dcai_compile.evm import open_evms
from dcai_compile.sample_encoder import load_encoder
from tests import models
from tests.models import compile_bare

LABELS = np.array(["ham", "spam", "eggs"])
TRAINED, ALL = 160, 240


def documents(n_classes: int = 3) -> tuple[list[str], Any]:
    """Texts with accents, capitals, punctuation and Zipf's frequencies, shifted by the class."""
    rng = np.random.default_rng(4)
    words = [f"wörd{i}" if i % 7 == 0 else f"Word{i}" for i in range(120)]
    base = 1.0 / np.arange(1, 121)
    texts, classes = [], []
    for number in range(ALL):
        label = number % n_classes
        weights = base.copy()
        weights[label * 10 : label * 10 + 10] *= 4.0
        weights /= weights.sum()
        chosen = rng.choice(words, rng.integers(5, 30), p=weights)
        texts.append(" ".join(chosen) + "; the Çafé, THE end!")
        classes.append(label)
    return texts, LABELS[classes]


def trained(pipeline: Pipeline, X: Any, y: Any, **options: Any) -> Compiled:
    pipeline.fit(X[:TRAINED], y[:TRAINED])
    return compile_bare(pipeline, X[:TRAINED], y[:TRAINED], **options)


def check(compiled: Compiled, pipeline: Pipeline, X: Any, y: Any) -> None:
    """Both claims, updates, and labels equal to the pipeline's own."""
    report = compiled.verify(
        X, evm="revm", updates=(X[TRAINED : TRAINED + 10], y[TRAINED : TRAINED + 10])
    )
    assert report.passed, report
    predicted = compiled.new_mirror().predict(X)
    undecided = {entry.sample for entry in report.undecided_samples}
    assert report.undecided <= 10
    decided = [row for row in range(len(predicted)) if row not in undecided]
    expected = pipeline.predict(X)
    assert predicted[decided].tolist() == expected[decided].tolist()
    again = compiled.new_mirror().to_estimator()
    assert again.predict(X)[decided].tolist() == expected[decided].tolist()


TEXT = {
    "counts": (make_pipeline(CountVectorizer(), MultinomialNB()), {}),
    "hashes": (
        make_pipeline(
            HashingVectorizer(n_features=512),
            SGDClassifier(penalty=None, learning_rate="constant", eta0=0.1, random_state=0),
        ),
        {},
    ),
    "tf-idf": (make_pipeline(TfidfVectorizer(), LogisticRegression()), {"update": "log_loss"}),
    "tf-idf, frozen": (
        make_pipeline(
            TfidfVectorizer(strip_accents="unicode", stop_words="english", ngram_range=(1, 2)),
            LogisticRegression(),
        ),
        {"update": "frozen"},
    ),
    "tf-idf to counts": (make_pipeline(TfidfVectorizer(sublinear_tf=True), MultinomialNB()), {}),
    "characters": (
        make_pipeline(
            CountVectorizer(analyzer="char_wb", ngram_range=(2, 3)),
            SelectKBest(chi2, k=100),
            ComplementNB(norm=True),
        ),
        {},
    ),
    "presence": (make_pipeline(CountVectorizer(binary=True), BernoulliNB()), {}),
    "centroids": (make_pipeline(TfidfVectorizer(), NearestCentroid()), {}),
    "perceptron": (make_pipeline(CountVectorizer(lowercase=False), Perceptron(random_state=0)), {}),
}


@pytest.mark.parametrize("name", TEXT)
def test_raw_text_to_label_on_chain(name: str, tmp_path: Path) -> None:
    """Strings, `encoder.json`, the contract on an EVM, a label: as `pipeline.predict` has it."""
    texts, y = documents()
    pipeline, options = clone(TEXT[name][0]), TEXT[name][1]
    compiled = trained(pipeline, texts, y, name="Mail", **options)
    check(compiled, pipeline, texts, y)
    folder = compiled.save(tmp_path / "mail")
    (evm,) = open_evms("revm")
    address = evm.deploy(compiled.bytecode).address
    committed = evm.call(address, keccak(text="sampleEncoderHash()")[:4]).output
    encoder = load_encoder(folder / "encoder.json", committed)
    expected = pipeline.predict(texts[TRAINED:])
    report = compiled.verify(texts[TRAINED:], evm="revm")
    undecided = {entry.sample for entry in report.undecided_samples}
    for row, sample in enumerate(encoder.encode(texts[TRAINED:])):
        output = evm.call(address, abi.sample_call(abi.PREDICT, sample)).output
        if row not in undecided:
            assert pipeline.classes_[int.from_bytes(output, "big")] == expected[row]


def test_the_encoder_needs_no_scikit_learn(tmp_path: Path) -> None:
    texts, y = documents()
    compiled = trained(clone(TEXT["tf-idf"][0]), texts, y, update="frozen")
    file = compiled.save(tmp_path / "mail") / "encoder.json"
    program = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from dcai_compile.sample_encoder import load_encoder\n"
        f"print(load_encoder({str(file)!r}).encode([{texts[0]!r}, 'nothing known, Word3']))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == str(compiled.encode([texts[0], "nothing known, Word3"]))


def test_another_vocabulary_has_another_hash(tmp_path: Path) -> None:
    texts, y = documents()
    compiled = trained(clone(TEXT["counts"][0]), texts, y)
    file = compiled.save(tmp_path / "mail") / "encoder.json"
    assert keccak(file.read_bytes()) == compiled.encoder.digest
    assert f"0x{compiled.encoder.digest.hex()}" in compiled.source["Classifier.sol"]
    file.write_bytes(file.read_bytes().replace(b"word17", b"word71", 1))
    with pytest.raises(ArtifactInvalid, match="keccak"):
        load_encoder(file, compiled.encoder.digest)
    with pytest.raises(ArtifactInvalid):
        load_artifact(file.parent)
    file.write_text("{}")
    with pytest.raises(ArtifactInvalid):
        load_encoder(file)


def test_a_text_without_any_known_word() -> None:
    texts, y = documents()
    pipeline = clone(TEXT["counts"][0])
    compiled = trained(pipeline, texts, y)
    assert compiled.encode(["nothing known"]) == [[]]
    assert compiled.mirror.predict(["nothing known"])[0] == pipeline.predict(["nothing known"])[0]
    compiled.mirror.update("Word3 and Word4", "eggs")
    linear = trained(clone(TEXT["perceptron"][0]), texts, y)
    with pytest.raises(SampleOutOfRange, match="has 0 indices"):
        linear.encode(["nothing known"])


def test_text_that_is_no_list_of_texts_is_refused() -> None:
    texts, y = documents()
    compiled = trained(clone(TEXT["counts"][0]), texts, y)
    with pytest.raises(SampleOutOfRange, match="one text, not a list"):
        compiled.encode("Word3")
    with pytest.raises(SampleOutOfRange, match="no text"):
        compiled.encode([3.5])


def wine() -> tuple[Any, Any]:
    X, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return X[order], y[order]


def cancer() -> tuple[Any, Any]:
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))[:ALL]
    return X[order], y[order]


FOLDED = {
    "standard": [StandardScaler()],
    "min-max": [MinMaxScaler((-1.0, 2.0))],
    "max-abs": [MaxAbsScaler()],
    "selector": [StandardScaler(), SelectKBest(k=7)],
    "PCA": [StandardScaler(), PCA(6)],
    "whitened": [StandardScaler(), PCA(6, whiten=True)],
    "SVD": [MaxAbsScaler(), TruncatedSVD(5, random_state=0)],
    "columns": [
        ColumnTransformer(
            [("a", StandardScaler(), [0, 3, 5]), ("b", MinMaxScaler(), slice(6, 9))],
            remainder="passthrough",
        ),
        StandardScaler(),
    ],
}


@pytest.mark.parametrize("steps", FOLDED.values(), ids=FOLDED)
@pytest.mark.parametrize("data", [wine, cancer])
def test_frozen_linear_models_take_raw_values(steps: list[Any], data: Any) -> None:
    """Preprocessing that is affine is part of the weights: the contract takes what was measured."""
    X, y = data()
    pipeline = make_pipeline(*map(clone, steps), LogisticRegression(max_iter=500))
    compiled = trained(pipeline, X, y, update="frozen")
    model = compiled.integers.model
    assert model.client is None
    assert model.folded is not None
    assert compiled.integers.encoding.n_features == X.shape[1]
    check(compiled, pipeline, X, y)


@pytest.mark.parametrize("steps", FOLDED.values(), ids=FOLDED)
def test_models_that_learn_take_prepared_values(steps: list[Any]) -> None:
    """A step on prepared values is not a step on raw ones, so the client prepares them."""
    X, y = cancer()
    pipeline = make_pipeline(*map(clone, steps), models.sgd("log_loss"))
    compiled = trained(pipeline, X, y)
    model = compiled.integers.model
    assert model.client is not None
    assert model.folded is None
    check(compiled, pipeline, X, y)


@pytest.mark.parametrize(
    "estimator", [GaussianNB(), NearestCentroid(), MultinomialNB()], ids=lambda e: type(e).__name__
)
def test_other_families_leave_it_to_the_client(estimator: Any) -> None:
    X, y = wine()
    pipeline = make_pipeline(MaxAbsScaler(), Normalizer(), clone(estimator))
    compiled = trained(pipeline, X, y)
    assert str(compiled.integers.model.client) == "divide, normalize"
    check(compiled, pipeline, X, y)


def test_a_sample_that_the_contract_refuses_is_the_users_to_mend() -> None:
    """Scaled by training data, an unseen value can be below zero, of which there is no count."""
    X, y = wine()
    compiled = trained(make_pipeline(MinMaxScaler(), MultinomialNB()), X, y)
    below = X[:1] - 5.0
    with pytest.raises(SampleOutOfRange, match="sample 0 is refused by the contract: Negative"):
        compiled.encode(below)
    with pytest.raises(SampleOutOfRange, match="Negative"):
        compiled.verify(below, evm="revm")


def test_the_part_before_the_affine_one_is_the_clients() -> None:
    texts, y = documents()
    pipeline = make_pipeline(
        CountVectorizer(), TfidfTransformer(norm=None), LogisticRegression(max_iter=300)
    )
    compiled = trained(pipeline, texts, y, update="frozen")
    assert str(compiled.integers.model.client) == "count"
    assert str(compiled.integers.model.folded) == "tfidf"
    assert compiled.encoding == "indices"
    check(compiled, pipeline, texts, y)


def mixed() -> tuple[Any, Any]:
    rng = np.random.default_rng(8)
    n = 200
    colors = np.array(["red", "green", "blue"], dtype=object)[rng.integers(0, 3, n)]
    X = np.empty((n, 3), dtype=object)
    X[:, 0], X[:, 1], X[:, 2] = colors, rng.integers(5, 9, n), rng.normal(size=n).round(3)
    y = ((colors == "red") | (X[:, 2].astype(float) > 0.7)).astype(int)
    return X, y


def test_columns_of_different_kinds() -> None:
    X, y = mixed()
    transformer = ColumnTransformer(
        [("kind", OneHotEncoder(drop="first"), [0, 1]), ("value", StandardScaler(), [2])]
    )
    pipeline = make_pipeline(transformer, Perceptron(random_state=0))
    compiled = trained(pipeline, X, y)
    check(compiled, pipeline, X, y)
    with pytest.raises(SampleOutOfRange, match="'yellow' is none of the 3 categories"):
        compiled.encode(np.array([["yellow", 5, 0.5]], dtype=object))


def test_categories_are_an_index_table() -> None:
    X, y = mixed()
    X = X[:, :2]
    one_hot = make_pipeline(OneHotEncoder(), Perceptron(random_state=0))
    compiled = trained(one_hot, X, y)
    assert compiled.encoding == "indices"
    assert compiled.encode(np.array([["red", 8]], dtype=object)) == [[2, 6]]
    check(compiled, one_hot, X, y)
    ordinal = make_pipeline(OrdinalEncoder(), CategoricalNB())
    compiled = trained(ordinal, X, y)
    assert str(compiled.integers.model.client) == "ordinal, categories"
    check(compiled, ordinal, X, y)


def test_a_selector_names_the_values_of_a_shared_encoder() -> None:
    X, y = cancer()
    pipeline = make_pipeline(SelectKBest(k=5), models.sgd("hinge", eta0=1e-6))
    compiled = trained(pipeline, X, y)
    chosen = pipeline[0].get_support(indices=True).tolist()
    assert list(compiled.integers.model.feature_indices) == chosen
    (evm,) = open_evms("revm")
    address = evm.deploy(compiled.bytecode).address
    count = evm.call(address, keccak(text="getNumFeatureIndices()")[:4]).output
    assert int.from_bytes(count, "big") == 5
    for place, index in enumerate(chosen):
        call = keccak(text="featureIndices(uint256)")[:4] + abi.word(place)
        assert int.from_bytes(evm.call(address, call).output, "big") == index


def test_nested_and_trivial_pipelines() -> None:
    X, y = cancer()
    nested = Pipeline(
        [
            ("scale", Pipeline([("a", StandardScaler()), ("b", "passthrough")])),
            ("rest", Pipeline([("c", MaxAbsScaler()), ("d", models.sgd("hinge"))])),
        ]
    )
    check(trained(nested, X, y), nested, X, y)
    bare = Pipeline([("model", GaussianNB())])
    compiled = trained(bare, X, y)
    assert compiled.integers.model.client is None
    check(compiled, bare, X, y)


def upper(texts: list[str]) -> list[str]:
    return [text.upper() for text in texts]


REFUSED = [
    (make_pipeline(SimpleImputer(), Perceptron()), cancer, "SimpleImputer"),
    (make_pipeline(MinMaxScaler(clip=True), Perceptron()), cancer, "clip=True"),
    (make_pipeline(MaxAbsScaler(clip=True), Perceptron()), cancer, "clip=True"),
    (make_pipeline(FunctionTransformer(np.log1p), Perceptron()), cancer, "FunctionTransformer"),
    (make_pipeline(CountVectorizer(analyzer=str.split), MultinomialNB()), documents, "analyzer"),
    (
        make_pipeline(CountVectorizer(preprocessor=str.upper), MultinomialNB()),
        documents,
        "preprocessor",
    ),
    (
        make_pipeline(TfidfVectorizer(tokenizer=str.split, token_pattern=None), MultinomialNB()),
        documents,
        "tokenizer",
    ),
    (make_pipeline(TfidfVectorizer(dtype=np.float32), MultinomialNB()), documents, "dtype"),
    (
        make_pipeline(OneHotEncoder(max_categories=2), Perceptron()),
        lambda: (mixed()[0][:, :2], mixed()[1]),
        "max_categories=2",
    ),
    (
        make_pipeline(
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), CategoricalNB()
        ),
        lambda: (mixed()[0][:, :2], mixed()[1]),
        "handle_unknown",
    ),
]


@pytest.mark.parametrize(
    ("pipeline", "data", "named"), REFUSED, ids=lambda v: v if isinstance(v, str) else ""
)
def test_what_no_client_can_repeat_is_refused_by_name(pipeline: Any, data: Any, named: str) -> None:
    X, y = data()
    with pytest.raises(UnsupportedStep, match=named) as caught:
        trained(clone(pipeline), X, y)
    assert caught.value.hint


def test_other_refusals() -> None:
    X, y = cancer()
    with pytest.raises(NotFitted):
        compile_bare(make_pipeline(StandardScaler(), Perceptron()), X)
    forest = make_pipeline(StandardScaler(), RandomForestClassifier(3)).fit(X, y)
    with pytest.raises(UnsupportedModel, match="RandomForestClassifier"):
        compile_bare(forest, X)
    narrow = make_pipeline(StandardScaler(), Perceptron()).fit(X.astype(np.float32), y)
    if narrow[0].mean_.dtype == np.float32:
        with pytest.raises(UnsupportedStep, match="float32"):
            compile_bare(narrow, X)
