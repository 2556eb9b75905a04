"""Hostile input: each gives its typed error, and nothing half-written stays behind."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.tree import DecisionTreeClassifier

from dcai_compile import Compiled, abi, load_artifact
from dcai_compile.errors import (
    ArtifactInvalid,
    InputInvalid,
    InvalidName,
    InvalidOption,
    ModelNotFinite,
    NotFitted,
    SampleOutOfRange,
    SolcUnavailable,
    UnsupportedModel,
    UnsupportedStep,
    UntrustedPickle,
)
from dcai_compile.evm import Evm, open_evms
from dcai_compile.model import Revert
from tests import models
from tests.models import compile_bare


def frozen_iris(**options: Any) -> Compiled:
    X, y = models.iris()
    estimator = LogisticRegression(max_iter=500).fit(X, y)
    return compile_bare(estimator, X, **{"update": "frozen", **options})


# Names


@pytest.mark.parametrize(
    "name",
    [
        "line\nbreak",
        "return\rcarriage",
        "null\0byte",
        "right\u202eto left",
        "isolate\u2066d",
        "zero\u200bwidth",
        "line\u2028separator",
        "x" * 10_000,
        "é" * 129,
        "lone \ud800 surrogate",
        "",
    ],
)
def test_deceiving_class_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidName) as caught:
        frozen_iris(class_names=("a", name, "c"))
    assert caught.value.hint


@pytest.mark.parametrize("name", ["x" * 256, "é" * 128])
def test_longest_class_name_is_accepted(name: str) -> None:
    compiled = frozen_iris(class_names=("a", name, "c"))
    assert class_name_on_chain(compiled, 1) == name


@pytest.mark.parametrize(
    "name",
    [
        'say "hi"',
        "it's",
        "*/ selfdestruct(payable(msg.sender)); /*",
        "*/",
        "// comment",
        "back\\slash",
        "\\",
        '\\"',
        "{{ jinja }}",
        "{% raw %}",
        "Müller, 日本語 🌶",
        "$(rm -rf)",
        '" + evil + "',
    ],
)
def test_harmless_name_reaches_the_chain_unchanged(name: str) -> None:
    compiled = frozen_iris(class_names=(name, "b", "c"))
    source = compiled.source["Classifier.sol"]
    assert source.isascii()
    assert class_name_on_chain(compiled, 0) == name


def class_name_on_chain(compiled: Compiled, index: int) -> str:
    (evm,) = open_evms("revm")
    address = evm.deploy(compiled.bytecode).address
    data = abi.selector("classifications(uint256)") + abi.word(index)
    output = evm.call(address, data).output
    length = int.from_bytes(output[32:64], "big")
    return output[64 : 64 + length].decode()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1abc",
        "a b",
        "contract",
        "uint8",
        "Ownable",
        "Lanes",
        "a" * 65,
        'x"',
        "é",
        "a-b",
        "norm",
        "weights",
        "predict",
        "EmptySample",
        "OwnershipTransferred",
    ],
)
def test_contract_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        frozen_iris(name=name)


def test_wrong_number_of_class_names_is_refused() -> None:
    with pytest.raises(InvalidName, match="2 class_names for 3 classes"):
        frozen_iris(class_names=("a", "b"))


# Models


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("parameter", ["coef_", "intercept_"])
def test_model_that_is_not_finite_is_refused(value: float, parameter: str) -> None:
    X, y = models.iris()
    estimator = LogisticRegression(max_iter=500).fit(X, y)
    getattr(estimator, parameter)[1] = value
    with pytest.raises(ModelNotFinite) as caught:
        compile_bare(estimator, X, update="frozen")
    assert caught.value.parameter == parameter
    assert caught.value.index[0] == 1


def test_unfitted_estimator_is_refused() -> None:
    with pytest.raises(NotFitted, match="LogisticRegression was never trained"):
        compile_bare(LogisticRegression(), np.zeros((1, 2)), update="frozen")


@pytest.mark.parametrize(
    "estimator", [LinearRegression(), DecisionTreeClassifier(), object(), None, 3]
)
def test_other_estimators_are_refused_with_what_is_supported(estimator: Any) -> None:
    with pytest.raises(UnsupportedModel) as caught:
        compile_bare(estimator, np.zeros((1, 2)))
    assert "LogisticRegression" in caught.value.hint


def test_subclass_is_refused() -> None:
    class Sneaky(LogisticRegression):
        def predict(self, X: Any) -> Any:
            return 1 - super().predict(X)

    X, y = models.breast_cancer()
    with pytest.raises(UnsupportedModel, match="subclass of LogisticRegression") as caught:
        compile_bare(Sneaky().fit(X, y), X, update="frozen")
    assert "register" in caught.value.hint


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "learning_rate='optimal'"),
        ({"learning_rate": "invscaling", "eta0": 0.1}, "learning_rate='invscaling'"),
        ({"learning_rate": "adaptive", "eta0": 0.1}, "learning_rate='adaptive'"),
        ({"learning_rate": "constant", "eta0": 0.1}, "penalty='l2'"),
        ({"learning_rate": "constant", "eta0": 0.1, "penalty": "l1"}, "penalty='l1'"),
        (
            {"learning_rate": "constant", "eta0": 0.1, "penalty": None, "average": True},
            "average=True",
        ),
        (
            {"learning_rate": "constant", "eta0": 0.1, "penalty": None, "class_weight": {0: 2.0}},
            "class_weight={0: 2.0}",
        ),
        (
            {"learning_rate": "constant", "eta0": 0.1, "penalty": None, "early_stopping": True},
            "early_stopping=True",
        ),
    ],
)
def test_step_that_is_not_reproduced_is_refused_by_name(
    settings: dict[str, Any], named: str
) -> None:
    X, y = models.breast_cancer()
    estimator = SGDClassifier(random_state=0, **settings).fit(X, y)
    with pytest.raises(UnsupportedStep) as caught:
        compile_bare(estimator, X)
    assert caught.value.setting == named
    assert named in caught.value.message
    # The hint names an option that compiles.
    assert "update='hinge'" in caught.value.hint
    assert compile_bare(estimator, X, update="hinge", learning_rate=0.1).bytecode


def test_estimator_without_a_step_needs_one() -> None:
    X, y = models.breast_cancer()
    with pytest.raises(UnsupportedStep, match="no training step of its own") as caught:
        compile_bare(LogisticRegression().fit(X, y), X)
    assert "frozen" in caught.value.hint


@pytest.mark.parametrize(
    "options",
    [
        {"encoding": "triples"},
        {"update": "backprop"},
        {"weight_bits": 12},
        {"weight_bits": "wide"},
        {"horizon": 0},
        {"horizon": 1.5},
        {"horizon": True},
        {"evm_version": "homestead"},
        {"name": None},
        {"description": 3},
        {"encoding": None},
        {"update": None},
        {"evm_version": None},
        {"weight_bits": None},
        {"update": "hinge", "learning_rate": "fast"},
        {"update": "hinge", "learning_rate": float("nan")},
        {"class_names": (1, 2, 3)},
        {"class_names": "abc"},
    ],
)
def test_option_without_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption) as caught:
        frozen_iris(**options)
    assert caught.value.hint


def test_multilabel_is_refused() -> None:
    from sklearn.linear_model import RidgeClassifier

    X, y = models.iris()
    estimator = RidgeClassifier().fit(X, np.eye(3, dtype=int)[y])
    with pytest.raises(UnsupportedModel, match="several labels"):
        compile_bare(estimator, X, update="frozen")


# Files


def test_pickle_needs_trust(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "exploded",))

    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UntrustedPickle, match="runs the code inside"):
        compile_bare(path, models.iris()[0])
    assert not (tmp_path / "exploded").exists()


def test_trusted_pickle_compiles(tmp_path: Path) -> None:
    import joblib

    X, y = models.iris()
    joblib.dump(LogisticRegression(max_iter=500).fit(X, y), tmp_path / "model.joblib")
    compiled = compile_bare(tmp_path / "model.joblib", X, update="frozen", trust_pickle=True)
    assert compiled.bytecode


def test_skops_file_compiles(tmp_path: Path) -> None:
    import skops.io

    X, y = models.iris()
    skops.io.dump(LogisticRegression(max_iter=500).fit(X, y), tmp_path / "model.skops")
    assert compile_bare(tmp_path / "model.skops", X, update="frozen").bytecode


@pytest.mark.parametrize("suffix", [".skops", ".json", ".joblib", ".onnx"])
def test_damaged_model_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"\x00not a model")
    with pytest.raises(InputInvalid):
        compile_bare(path, models.iris()[0], trust_pickle=True)


def test_missing_model_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputInvalid, match="is not a file"):
        compile_bare(tmp_path / "nothing.skops", models.iris()[0])


ARTIFACT_FILES = [
    "manifest.json",
    "parameters.npz",
    "bytecode.hex",
    "abi.json",
    "standard-input.json",
    "contracts.json",
    "vectors.json",
    "sources/Iris.sol",
    "report.html",
]


@pytest.mark.parametrize("file", ARTIFACT_FILES)
def test_changed_byte_is_found(tmp_path: Path, file: str) -> None:
    folder = models.dense_multiclass().save(tmp_path / "iris")
    path = folder / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactInvalid) as caught:
        load_artifact(folder)
    assert caught.value.file == file


def test_missing_file_and_foreign_schema_are_found(tmp_path: Path) -> None:
    folder = models.dense_multiclass().save(tmp_path / "iris")
    (folder / "abi.json").unlink()
    with pytest.raises(ArtifactInvalid, match=r"abi\.json"):
        load_artifact(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "schema": 99}))
    with pytest.raises(ArtifactInvalid, match="schema 99"):
        load_artifact(folder)
    with pytest.raises(ArtifactInvalid):
        load_artifact(tmp_path / "nowhere")


def test_failed_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = models.dense_multiclass()
    target = tmp_path / "iris"
    compiled.save(target)
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    content = (target / "manifest.json").read_bytes()

    def fail(self: Path, data: bytes) -> int:
        if self.name == "report.html":
            raise OSError("disk full")
        with self.open("wb") as stream:
            return stream.write(data)

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(InvalidOption, match="disk full"):
        compiled.save(target)
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
    assert (target / "manifest.json").read_bytes() == content


def test_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep me")
    with pytest.raises(InvalidOption, match="not an artifact folder"):
        models.dense_multiclass().save(tmp_path)
    assert (tmp_path / "precious.txt").read_text() == "keep me"


def test_without_solc_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCAI_SOLC", str(tmp_path / "no-such-solc"))
    with pytest.raises(SolcUnavailable) as caught:
        frozen_iris()
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


# Samples


@pytest.fixture(scope="module", params=["revm", "eth-tester"])
def evm(request: pytest.FixtureRequest) -> Evm:
    (machine,) = open_evms(request.param)
    return machine


@pytest.mark.parametrize(
    ("sample", "error"),
    [
        ([-1], Revert("FeatureIndexOutOfRange", 0, -1)),
        ([0, 1 << 32], Revert("FeatureIndexOutOfRange", 1, 1 << 32)),
        ([0, 0, (1 << 63) - 1], Revert("FeatureIndexOutOfRange", 2, (1 << 63) - 1)),
        ([200], Revert("FeatureIndexOutOfRange", 0, 200)),
        ([], Revert("EmptySample")),
        ([0] * 1025, Revert("SampleTooLong", 1025, 1024)),
    ],
    ids=["-1", "2**32", "2**63-1", "n_features", "empty", "too long"],
)
def test_bad_indices_revert_with_the_value(evm: Evm, sample: list[int], error: Revert) -> None:
    assert_reverts(evm, models.sparse_binary(), sample, error)


@pytest.mark.parametrize("length", [0, 29, 31])
def test_wrong_length_reverts_with_both_lengths(evm: Evm, length: int) -> None:
    error = Revert("SampleLengthMismatch", 30, length)
    assert_reverts(evm, models.dense_binary(), [0] * length, error)


def assert_reverts(evm: Evm, compiled: Compiled, sample: list[int], error: Revert) -> None:
    address = evm.deploy(compiled.bytecode).address
    expected = abi.revert_data(error, abi.error_selectors(compiled.abi))
    for data in (abi.sample_call(abi.PREDICT, sample), abi.update_call(sample, 0)):
        result = evm.send(address, data)
        assert not result.success
        assert result.output == expected
    with pytest.raises(Revert) as caught:
        compiled.new_mirror().encode_check(sample)
    assert (caught.value.name, caught.value.values) == (error.name, error.values)


@pytest.mark.parametrize("classification", [2, 3, 1 << 32, (1 << 64) - 1])
def test_class_out_of_range_reverts(evm: Evm, classification: int) -> None:
    compiled = models.dense_binary()
    address = evm.deploy(compiled.bytecode).address
    sample = compiled.examples[0]
    result = evm.send(address, abi.update_call(sample, classification))
    error = Revert("ClassOutOfRange", classification, 2)
    assert result.output == abi.revert_data(error, abi.error_selectors(compiled.abi))


def test_unknown_label_is_refused() -> None:
    X, _ = models.breast_cancer()
    with pytest.raises(SampleOutOfRange, match="label 7"):
        models.dense_binary().new_mirror().update(X[0], 7)
