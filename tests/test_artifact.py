"""Artifact folders: what is written is what is read, and the same bytes everywhere."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dcai_compile import Compiled, load_artifact
from dcai_compile.folder import contents
from dcai_compile.solc import compile_standard
from tests import models

MODELS = (
    models.dense_binary,
    models.dense_multiclass,
    models.sparse_pa,
    models.large_sparse,
    models.frozen,
)


@pytest.mark.parametrize("model", MODELS)
def test_loaded_artifact_is_the_saved_one(tmp_path: Path, model: object) -> None:
    compiled: Compiled = model()  # type: ignore[operator]
    loaded = load_artifact(compiled.save(tmp_path / "artifact"))
    assert contents(loaded) == contents(compiled)
    X, y = models.lessons(compiled)
    assert np.array_equal(loaded.mirror.predict(X), compiled.new_mirror().predict(X))
    report = loaded.verify(X[:10], evm="revm", updates=(X[:3], y[:3]))
    assert report.passed


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    compiled = models.dense_multiclass()
    compiled.save(tmp_path / "a")
    compiled.save(tmp_path / "b")
    compiled.save(tmp_path / "b")
    files = sorted(
        p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()
    )
    again = sorted(
        p.relative_to(tmp_path / "b") for p in (tmp_path / "b").rglob("*") if p.is_file()
    )
    assert files == again
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


SCRIPT = """
import hashlib, sys
from tests import models
from dcai_compile.folder import contents
from tests.golden import golden
from tests.test_pipelines import TEXT, documents, trained
trained_here = [models.dense_binary(), models.sparse_multiclass(), models.large_dense()]
texts, y = documents()
for name in ("counts", "tf-idf to counts", "characters", "centroids"):
    trained_here.append(trained(TEXT[name][0], texts, y))
for model in (*trained_here, *golden().values()):
    for path, data in sorted(contents(model).items()):
        print(path, hashlib.sha256(data).hexdigest())
"""


def test_two_processes_give_the_same_bytes(tmp_path: Path) -> None:
    """Other hash seed, thread count, locale, time zone, home and working directory."""
    outputs = []
    root = Path(__file__).resolve().parent.parent
    for seed, threads, zone, locale in (
        ("0", "1", "UTC", "C"),
        ("4242", "2", "Asia/Tokyo", "C.UTF-8"),
    ):
        home = tmp_path / seed
        home.mkdir()
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "TZ": zone,
            "LC_ALL": locale,
            "PYTHONPATH": str(root),
        }
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert len(outputs[0].splitlines()) > 400


def test_standard_input_recompiles_to_the_bytecode(tmp_path: Path) -> None:
    folder = models.dense_multiclass().save(tmp_path / "artifact")
    request = json.loads((folder / "standard-input.json").read_text())
    output = compile_standard(request)
    found = output["contracts"]["Iris.sol"]["Iris"]["evm"]["bytecode"]["object"]
    assert found == (folder / "bytecode.hex").read_text().strip()


def test_comments_do_not_change_the_bytecode() -> None:
    compiled = models.dense_multiclass()
    request = json.loads(json.dumps(compiled.standard_input))
    request["sources"]["Iris.sol"]["content"] += "// a remark\n"
    output = compile_standard(request)
    found = output["contracts"]["Iris.sol"]["Iris"]["evm"]["bytecode"]["object"]
    assert bytes.fromhex(found) == compiled.bytecode


def test_manifest_and_truffle_artifact_say_what_others_need(tmp_path: Path) -> None:
    folder = models.dense_binary().save(tmp_path / "artifact")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["model_hash"] == "0x" + models.dense_binary().sources.model_hash.hex()
    assert manifest["class_names"] == ["bad", "good"]
    assert manifest["encoding"] == {
        "name": "dense",
        "n_features": 30,
        "max_length": 30,
        "max_count": 1,
        "packed_bits": 16,
        "packed_unit": 368441,
        "pair_scale": 10**9,
        "min_length": 1,
    }
    for path, expected in manifest["files"].items():
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == expected
    truffle = json.loads((folder / "Tumour.json").read_text())
    assert truffle["contractName"] == "Tumour"
    assert truffle["bytecode"] == "0x" + models.dense_binary().bytecode.hex()
    assert truffle["networks"] == {}
    assert any(entry.get("name") == "predict" for entry in truffle["abi"])


def test_vectors_are_what_the_contract_answers(tmp_path: Path) -> None:
    from dcai_compile import abi
    from dcai_compile.evm import open_evms

    folder = models.sparse_pa().save(tmp_path / "artifact")
    vectors = json.loads((folder / "vectors.json").read_text())
    (evm,) = open_evms("revm")
    address = evm.deploy(models.sparse_pa().bytecode).address

    def check(entries: list[dict[str, object]]) -> None:
        for entry in entries:
            output = evm.call(address, abi.sample_call(abi.PREDICT, entry["sample"])).output  # type: ignore[arg-type]
            assert int.from_bytes(output, "big") == entry["classification"]
            output = evm.call(address, abi.sample_call(abi.SCORES, entry["sample"])).output  # type: ignore[arg-type]
            assert [str(s) for s in abi.decode_int256_array(output)] == entry["scores"]

    check(vectors["before"])
    for step in vectors["updates"]:
        result = evm.send(address, abi.update_call(step["sample"], step["classification"]))
        assert result.success == ("reverts" not in step)
    check(vectors["after"])
    assert vectors["before"] != vectors["after"]
