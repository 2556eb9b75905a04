"""The compiler is found, refused or fetched as promised."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dcai_compile import _solcjs, solc
from dcai_compile.errors import SolcUnavailable
from dcai_compile.solc import SOLC_VERSION, Solc, find_solc, installed_version
from tests.solc_stubs import (  # noqa: F401 (fixtures)
    bare_machine,
    empty_cache,
    files,
    put_npm,
    put_script,
    put_solc,
)

# --- named by the user ---


def test_a_named_compiler_of_the_pinned_version_is_taken(
    bare_machine: Path, tmp_path: Path
) -> None:
    binary = put_solc(tmp_path / "named")
    assert find_solc(binary) == Solc(binary, "the path given")


@pytest.mark.parametrize(
    "version", ["0.8.33+commit.1", "0.8.35-pre.1+commit.1", "0.8.341+commit.1"]
)
def test_a_named_compiler_of_another_version_is_refused(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    put_solc(bare_machine / "solc")  # a good one elsewhere must not hide the user's mistake
    monkeypatch.setenv("DCAI_SOLC", str(put_solc(tmp_path / "named", version)))
    with pytest.raises(SolcUnavailable) as refusal:
        find_solc()
    assert version.split("+")[0] in refusal.value.message
    assert SOLC_VERSION in refusal.value.message


def test_a_nightly_is_not_the_release(tmp_path: Path) -> None:
    nightly = f"{SOLC_VERSION}-nightly.2026.1.2+commit.1"
    binary = put_solc(tmp_path / "nightly", nightly)
    assert installed_version(binary) == nightly.split("+")[0]
    with pytest.raises(SolcUnavailable):
        find_solc(binary)


def test_a_missing_path_is_refused_by_name(bare_machine: Path, tmp_path: Path) -> None:
    put_solc(bare_machine / "solc")
    with pytest.raises(SolcUnavailable, match=r"there is no .*nowhere") as refusal:
        find_solc(tmp_path / "nowhere")
    assert refusal.value.tried == (str(tmp_path / "nowhere"),)


@pytest.mark.parametrize("body", ["echo hello", "exit 3"])
def test_what_is_no_compiler_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(SolcUnavailable, match="does not run as a Solidity compiler"):
        installed_version(put_script(tmp_path / "other", body))


def test_a_replaced_compiler_is_asked_again(tmp_path: Path) -> None:
    assert installed_version(put_solc(tmp_path / "solc")) == SOLC_VERSION
    assert installed_version(put_solc(tmp_path / "solc", "0.8.9+commit.1")) == "0.8.9"


# --- searched ---


def test_nothing_anywhere_says_what_was_tried_and_what_to_do(
    bare_machine: Path, empty_cache: Path
) -> None:
    with pytest.raises(SolcUnavailable) as refusal:
        find_solc()
    error = refusal.value
    places = ["py-solc-x:", "PATH:", "npm package in the cache:", "py-solc-x's download:"]
    assert [place for place in places if not any(t.startswith(place) for t in error.tried)] == []
    assert len(error.tried) == 5
    assert all(reason in str(error) for reason in error.tried)
    assert "apt install nodejs npm" in error.hint and "DCAI_SOLC" in error.hint
    assert error.version == SOLC_VERSION
    assert files(empty_cache) == []


def test_an_empty_dcai_solc_counts_as_unset(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DCAI_SOLC", "")
    binary = put_solc(bare_machine / "solc")
    assert find_solc() == Solc(binary, "PATH")


def test_py_solc_x_comes_before_the_path(bare_machine: Path, tmp_path: Path) -> None:
    put_solc(bare_machine / "solc")
    binary = put_solc(tmp_path / "solcx" / f"solc-v{SOLC_VERSION}")
    assert find_solc() == Solc(binary, "py-solc-x")


def test_another_version_on_the_path_is_passed_over(bare_machine: Path) -> None:
    put_solc(bare_machine / "solc", "0.8.30+commit.1")
    with pytest.raises(SolcUnavailable) as refusal:
        find_solc()
    assert any("is solc 0.8.30" in reason for reason in refusal.value.tried)


def test_a_download_is_used(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(code: str, _seconds: float, _failure: str) -> None:
        if "install_solc" in code:
            put_solc(tmp_path / "solcx" / f"solc-v{SOLC_VERSION}")

    monkeypatch.setattr(solc, "_python", download)
    assert find_solc().origin == "py-solc-x"


def test_a_child_that_hangs_is_stopped() -> None:
    began = time.monotonic()
    with pytest.raises(_solcjs.NotHere, match="too slow"):
        solc._python("import time; time.sleep(60)", 0.5, "too slow")
    assert time.monotonic() - began < 10


def test_the_child_processes_run_real_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two programs name things of py-solc-x that exist, offline too."""
    (tmp_path / "requests.py").write_text("raise SystemExit('the current folder was imported')")
    monkeypatch.chdir(tmp_path)
    solc._python("import requests, solcx; requests.head; solcx.install_solc", 30, "missing")
    solc._python("import solcx.install as s; s.BINARY_DOWNLOAD_BASE.format", 30, "missing")
    for code in (solc._PROBE, solc._DOWNLOAD):
        compile(code, "child", "exec")


# --- the npm package ---


def test_npm_gives_a_compiler_and_only_once(
    bare_machine: Path, empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soljson = b"// stands for the compiler"
    monkeypatch.setattr(_solcjs, "SOLJSON_SHA256", hashlib.sha256(soljson).hexdigest())
    put_npm(bare_machine, soljson)
    script = empty_cache / f"solcjs-{SOLC_VERSION}" / "solc"
    monkeypatch.setattr(solc, "installed_version", lambda _: SOLC_VERSION)  # no real node here
    assert find_solc() == Solc(script, "npm package")
    assert os.access(script, os.X_OK)
    folder = script.parent.name
    assert files(empty_cache) == [folder, f"{folder}/solc", f"{folder}/soljson.js"]
    log = (tmp_path / "npm.log").read_text()
    assert "--ignore-scripts" in log and f"solc@{SOLC_VERSION}" in log

    def no_download(*_: object) -> None:
        pytest.fail("a download was tried although the npm package is there")

    monkeypatch.setattr(solc, "_python", no_download)
    script.unlink()  # what is ours is written anew, nothing is fetched
    assert find_solc() == Solc(script, "npm package in the cache")
    assert (tmp_path / "npm.log").read_text() == log


def test_a_compiler_with_another_hash_is_refused_and_leaves_nothing(
    bare_machine: Path, empty_cache: Path
) -> None:
    put_npm(bare_machine, b"// not the compiler")
    with pytest.raises(SolcUnavailable) as refusal:
        find_solc()
    assert "SHA-256" in refusal.value.tried[-1]
    assert _solcjs.SOLJSON_SHA256 in refusal.value.tried[-1]
    assert files(empty_cache) == []


def test_a_cached_compiler_that_changed_is_not_run(bare_machine: Path, empty_cache: Path) -> None:
    put_script(bare_machine / "node", "exit 1")
    folder = empty_cache / f"solcjs-{SOLC_VERSION}"
    put_solc(folder / "solc")
    (folder / "soljson.js").write_bytes(b"// changed")
    with pytest.raises(SolcUnavailable) as refusal:
        find_solc()
    assert any(hashlib.sha256(b"// changed").hexdigest() in why for why in refusal.value.tried)


def test_npm_that_fails_is_quoted(bare_machine: Path, empty_cache: Path) -> None:
    put_script(bare_machine / "node", "exit 0")
    put_script(bare_machine / "npm", "echo 'npm error network unreachable' >&2; exit 1")
    with pytest.raises(SolcUnavailable, match="npm error network unreachable"):
        find_solc()
    assert files(empty_cache) == []


def test_installing_at_the_same_time_gives_one_whole_compiler(
    bare_machine: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soljson = b"// stands for the compiler" * 100_000
    monkeypatch.setattr(_solcjs, "SOLJSON_SHA256", hashlib.sha256(soljson).hexdigest())
    put_npm(bare_machine, soljson)
    folder = empty_cache / "solcjs"
    with ThreadPoolExecutor(6) as pool:
        found = [pool.submit(_solcjs.install, folder, SOLC_VERSION) for _ in range(6)]
    assert [future.result() for future in found] == [folder / "solc"] * 6
    assert files(empty_cache) == ["solcjs", "solcjs/solc", "solcjs/soljson.js"]


# --- for set-up scripts ---


def test_set_up_prints_the_compiler_or_the_way_out(
    bare_machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert solc.main() == 2
    assert "apt install nodejs npm" in capsys.readouterr().err
    binary = put_solc(bare_machine / "solc")
    assert solc.main() == 0
    assert str(binary) in capsys.readouterr().out


def test_importing_it_loads_no_network_library() -> None:
    code = "import sys, dcai_compile.solc; sys.exit('solcx' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
