"""The command line: what a person types, and what a program reads."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Perceptron
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

from dcai_compile.cli import app
from dcai_compile.errors import CompilerPanic
from dcai_compile.inputs import load_data
from tests import models
from tests.test_pipelines import documents

runner = CliRunner()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and the same data in each format."""
    folder = tmp_path_factory.mktemp("files")
    X, y = models.iris()
    skops.io.dump(Perceptron(random_state=0).fit(X, y), folder / "iris.skops")
    np.savez(folder / "iris.npz", X=X, y=y)
    lines = ["a,b,c,d,label"]
    lines += [
        ",".join([*(repr(float(v)) for v in row), str(label)])
        for row, label in zip(X, y, strict=True)
    ]
    (folder / "iris.csv").write_text("\n".join(lines) + "\n")
    with (folder / "iris.svmlight").open("w") as stream:
        for row, label in zip(X, y, strict=True):
            print(label, *(f"{i + 1}:{float(v)!r}" for i, v in enumerate(row)), file=stream)
    return folder


@pytest.fixture(scope="module")
def artifact(files: Path) -> Path:
    result = runner.invoke(
        app,
        [
            "compile",
            f"{files}/iris.skops",
            "--data",
            f"{files}/iris.npz",
            "--out",
            f"{files}/out",
            "--name",
            "Iris",
        ],
    )
    assert result.exit_code == 0, result.output
    assert "PerceptronX" not in result.output
    return files / "out"


def test_compile_writes_an_artifact_and_says_what(artifact: Path) -> None:
    names = {path.name for path in artifact.iterdir()}
    assert {"manifest.json", "sources", "standard-input.json", "abi.json", "bytecode.hex"} <= names
    assert {"Iris.json", "parameters.npz", "vectors.json", "report.html"} <= names


@pytest.mark.parametrize("suffix", ["npz", "csv", "svmlight"])
def test_verify_reads_every_format(artifact: Path, files: Path, suffix: str) -> None:
    result = runner.invoke(
        app,
        [
            "verify",
            str(artifact),
            "--data",
            f"{files}/iris.{suffix}",
            "--evm",
            "revm",
            "--updates",
            "5",
            "--json",
        ],
    )
    assert result.exit_code == 0, result.output
    report = json.loads(result.output)
    assert report["passed"] is True
    assert report["samples"] == 150
    assert report["updates"] == 5
    assert report["evm_mismatches"] == 0


def test_verify_in_words(artifact: Path, files: Path) -> None:
    result = runner.invoke(
        app, ["verify", str(artifact), "--data", f"{files}/iris.npz", "--evm", "revm"]
    )
    assert result.exit_code == 0
    assert "PARITY HOLDS" in result.output


def test_broken_parity_has_exit_code_1(
    artifact: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dcai_compile.families.linear import mirror

    monkeypatch.setattr(mirror, "first_of_highest", lambda scores, n_classes: 0)
    result = runner.invoke(
        app, ["verify", str(artifact), "--data", f"{files}/iris.npz", "--evm", "revm"]
    )
    assert result.exit_code == 1
    assert "PARITY IS BROKEN" in result.output


def test_texts_go_from_a_file_to_a_contract(tmp_path: Path) -> None:
    texts, y = documents()
    pipeline = make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts, y)
    skops.io.dump(pipeline, tmp_path / "mail.skops")
    with (tmp_path / "mail.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["text", "label"], *zip(texts, y, strict=True)])
    np.savez(tmp_path / "mail.npz", X=np.array(texts), y=y)
    out = str(tmp_path / "mail")
    command = ["compile", str(tmp_path / "mail.skops"), "--data", str(tmp_path / "mail.csv")]
    result = runner.invoke(app, [*command, "--out", out, "--name", "Mail"])
    assert result.exit_code == 0, result.output
    for file in ("mail.csv", "mail.npz"):
        command = ["verify", out, "--data", str(tmp_path / file), "--evm", "revm"]
        result = runner.invoke(app, [*command, "--updates", "5"])
        assert result.exit_code == 0, result.output
        assert "PARITY HOLDS" in result.output


def test_columns_of_numbers_and_texts_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "mixed.csv").write_text("a,b,label\n1.5,red,0\n2,blue,1\n")
    X, y = load_data(tmp_path / "mixed.csv")
    assert X.tolist() == [[1.5, "red"], [2.0, "blue"]]
    assert y is not None and y.tolist() == [0, 1]


def test_mistake_has_exit_code_2_and_a_hint(files: Path, tmp_path: Path) -> None:
    command = [
        "compile",
        f"{files}/nothing.skops",
        "--data",
        f"{files}/iris.npz",
        "--out",
        str(tmp_path / "out"),
    ]
    result = runner.invoke(app, command)
    assert result.exit_code == 2
    assert "InputInvalid" in result.stderr
    assert "hint:" in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()
    as_json = runner.invoke(app, [*command, "--json"])
    assert as_json.exit_code == 2
    assert json.loads(as_json.stdout)["error"] == "InputInvalid"


def test_bug_of_ours_has_exit_code_70(
    artifact: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def panic(*_: object, **__: object) -> None:
        raise CompilerPanic("a lane is out of range")

    monkeypatch.setattr("dcai_compile.verify.verify", panic)
    result = runner.invoke(app, ["verify", str(artifact), "--data", f"{files}/iris.npz"])
    assert result.exit_code == 70
    assert "bug" in result.stderr


def test_updates_without_labels_are_refused(artifact: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "bare.npz", X=models.iris()[0])
    result = runner.invoke(
        app, ["verify", str(artifact), "--data", str(tmp_path / "bare.npz"), "--updates", "3"]
    )
    assert result.exit_code == 2
    assert "labels" in result.stderr


def test_supported_lists_every_estimator() -> None:
    result = runner.invoke(app, ["supported", "--json"])
    facts = json.loads(result.stdout)
    names = {entry["name"] for entry in facts["estimators"]}
    assert names == {
        "BernoulliNB",
        "CategoricalNB",
        "ComplementNB",
        "GaussianNB",
        "MultinomialNB",
        "NearestCentroid",
        "naive bayes",
        "nearest centroid classifier",
        "sparse nearest centroid classifier",
        "LinearDiscriminantAnalysis",
        "LinearSVC",
        "LogisticRegression",
        "LogisticRegressionCV",
        "PassiveAggressiveClassifier",
        "Perceptron",
        "RidgeClassifier",
        "RidgeClassifierCV",
        "SGDClassifier",
        "perceptron",
        "dense perceptron",
        "sparse perceptron",
    }
    transformers = {entry["name"] for entry in facts["transformers"]}
    assert {"StandardScaler", "TfidfVectorizer", "ColumnTransformer"} <= transformers
    assert any("shrink_threshold" in entry["what"] for entry in facts["refusals"])
    shown = runner.invoke(app, ["supported"]).stdout
    for text in ("RidgeClassifierCV", "HashingVectorizer", "shrink_threshold"):
        assert text in shown


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a,b,label\n1,2\n", "line 2"),
        ("a,b,label\n", "no samples"),
        ("a,b,c,d,label\n1,x,3,4,0\n", "not numbers"),
    ],
)
def test_damaged_csv_is_refused(artifact: Path, tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    result = runner.invoke(app, ["verify", str(artifact), "--data", str(tmp_path / "bad.csv")])
    assert result.exit_code == 2
    assert problem in result.stderr


def test_demo_tells_the_whole_story(tmp_path: Path) -> None:
    result = runner.invoke(app, ["demo", "--out", str(tmp_path / "demo"), "--evm", "revm"])
    assert result.exit_code == 0, result.output
    for word in ("1. train", "2. compile", "3. save", "4. verify", "PARITY HOLDS"):
        assert word in result.output
    assert (tmp_path / "demo" / "manifest.json").is_file()


def test_version() -> None:
    assert runner.invoke(app, ["--version"]).stdout.strip() == "dcai_compile 0.1.0"


def test_help_waits_for_no_heavy_library() -> None:
    """They take seconds to import, and are imported where a command needs them."""
    code = (
        "import sys, dcai_compile.cli; "
        "print(*{'sklearn', 'scipy.stats', 'web3', 'eth_account'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
