"""Contracts compile, refusals name their line, and answers are kept whole."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dcai_compile import _cache, _solcjs, solc
from dcai_compile.errors import SolcFailed, SolcUnavailable
from dcai_compile.solc import SOLC_VERSION, Solc, compile_standard, diagnostics
from tests import models
from tests.resident_solc import ResidentSolc, can_stay
from tests.solc_stubs import (  # noqa: F401 (fixtures)
    SOURCE,
    bare_machine,
    bytecode,
    compiler,
    empty_cache,
    files,
    put_script,
    put_solc,
    standard_input,
)

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")


# --- compiling ---


def test_a_contract_compiles_with_the_version_reported(empty_cache: Path, compiler: Solc) -> None:
    output = compile_standard(standard_input(), compiler)
    assert bytecode(output).startswith("6080")
    metadata = json.loads(output["contracts"]["Answer.sol"]["Answer"]["metadata"])
    reported = subprocess.run(
        [compiler.binary, "--version"], capture_output=True, text=True, check=True
    ).stdout
    # The npm build's script states its version without asking the compiler: here it is asked.
    assert f"Version: {metadata['compiler']['version']}." in reported
    assert metadata["compiler"]["version"].startswith(f"{SOLC_VERSION}+commit.")


def test_the_same_input_gives_the_same_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: Solc
) -> None:
    codes = set()
    for name, given in (
        ("one", standard_input()),
        ("two", dict(reversed(standard_input().items()))),
    ):
        monkeypatch.setenv("DCAI_CACHE", str(tmp_path / name))
        codes.add(bytecode(compile_standard(given, compiler)))
    assert len(codes) == 1


def test_a_refused_source_names_its_lines(empty_cache: Path, compiler: Solc) -> None:
    source = SOURCE.replace("return 42", "return forty_two + two")
    with pytest.raises(SolcFailed) as refusal:
        compile_standard(standard_input(source), compiler)
    first, second = refusal.value.diagnostics
    assert first.startswith("DeclarationError: Undeclared identifier.")
    assert "Answer.sol:6:16" in first and "return forty_two + two" in first
    assert "Answer.sol:6:28" in second
    assert first in refusal.value.message
    assert files(empty_cache) == []  # a refusal is not kept


def test_warnings_stay_in_the_output(empty_cache: Path, compiler: Solc) -> None:
    source = SOURCE.replace("return 42", "uint256 idle; return 42")
    output = compile_standard(standard_input(source), compiler)
    assert bytecode(output)
    assert diagnostics(output, "error") == ()
    (warning,) = diagnostics(output, "warning")
    assert "Answer.sol:6:9" in warning and "Unused local variable" in warning


def test_no_sources_is_a_refusal(empty_cache: Path, compiler: Solc) -> None:
    with pytest.raises(SolcFailed, match="does not contain any sources"):
        compile_standard({"language": "Solidity", "sources": {}}, compiler)


def test_a_compiler_that_dies_is_told_from_one_that_is_gone(
    empty_cache: Path, tmp_path: Path
) -> None:
    version = f"if [ $1 = --version ]; then echo 'Version: {SOLC_VERSION}+commit.1'; exit; fi"
    dying = put_script(tmp_path / "dying", f"{version}; echo 'out of memory' >&2; exit 1")
    with pytest.raises(SolcFailed, match="out of memory"):
        compile_standard(standard_input(), Solc(dying, "test"))
    babbling = put_script(tmp_path / "babbling", f"{version}; echo 'no JSON'")
    with pytest.raises(SolcFailed, match="did not answer in JSON"):
        compile_standard(standard_input(), Solc(babbling, "test"))
    with pytest.raises(SolcUnavailable, match="gone"):
        compile_standard(standard_input(), Solc(tmp_path / "gone", "test"))


# --- answers kept ---

NO_COMPILER = Solc(Path("/nonexistent/solc"), "test")


def test_a_known_input_runs_no_compiler(empty_cache: Path, compiler: Solc) -> None:
    first = compile_standard(standard_input(), compiler)
    assert compile_standard(standard_input(), NO_COMPILER) == first
    with pytest.raises(SolcUnavailable):
        compile_standard(standard_input(SOURCE.replace("42", "43")), NO_COMPILER)


def test_a_known_input_needs_no_compiler_but_a_named_one_is_checked(
    bare_machine: Path, compiler: Solc, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as whole:
        whole.setenv("PATH", os.defpath)
        output: dict[str, object] = {"contracts": {}}
        whole.setattr(solc, "_run", lambda *_: output)
        assert compile_standard(standard_input(), compiler) == output
    assert compile_standard(standard_input()) == output
    monkeypatch.setenv("DCAI_SOLC", str(put_solc(tmp_path / "old", "0.8.1+commit.1")))
    with pytest.raises(SolcUnavailable, match=r"0\.8\.1;"):
        compile_standard(standard_input())


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "swapped"])
def test_a_damaged_entry_is_compiled_again(empty_cache: Path, compiler: Solc, damage: str) -> None:
    good = compile_standard(standard_input(), compiler)
    (entry,) = (empty_cache / "compiled").iterdir()
    whole = entry.read_bytes()
    if damage == "swapped":  # a whole entry, but another input's
        other = standard_input(SOURCE.replace("42", "43"))
        assert bytecode(compile_standard(other, compiler)) != bytecode(good)
        (stranger,) = set((empty_cache / "compiled").iterdir()) - {entry}
        shutil.copy(stranger, entry)
    else:
        flipped = whole.replace(b'"object":"60', b'"object":"61')
        assert flipped != whole
        entry.write_bytes({"cut": whole[:-9], "flipped": flipped, "emptied": b""}[damage])
    assert compile_standard(standard_input(), compiler) == good
    assert entry.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: Solc
) -> None:
    (tmp_path / "file").write_text("a file where the folder should be")
    monkeypatch.setenv("DCAI_CACHE", str(tmp_path / "file"))
    assert bytecode(compile_standard(standard_input(), compiler))


def test_the_least_recently_used_entries_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cache, "KEPT_ENTRIES", 3)
    for age, key in enumerate(["a", "b", "c"]):
        _cache.store(tmp_path, key, {"key": key})
        os.utime(tmp_path / f"{key}.json", (1_000 + age, 1_000 + age))
    assert _cache.load(tmp_path, "a") == {"key": "a"}  # used now, though written first
    _cache.store(tmp_path, "d", {"key": "d"})
    assert files(tmp_path) == ["a.json", "c.json", "d.json"]


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cache.write_atomically(tmp_path / "entry", b"old")

    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="disk full"):
        _cache.write_atomically(tmp_path / "entry", b"new")
    assert files(tmp_path) == ["entry"]
    assert (tmp_path / "entry").read_bytes() == b"old"


# --- the script that drives the npm package ---


@needs_node
def test_the_script_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    shutil.copy(Path(_solcjs.__file__).with_name("_solcjs.js"), tmp_path / "solc.js")
    ran = subprocess.run(
        ["node", tmp_path / "solc.js", "--help"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "unrecognised option '--help'" in ran.stderr


@needs_node
def test_the_script_passes_a_source_larger_than_the_compilers_stack(compiler: Solc) -> None:
    source = SOURCE + f"/*{'x' * 8_000_000}*/"
    assert bytecode(solc._run(standard_input(source), compiler))


def test_the_compiler_that_the_suite_keeps_in_memory_answers_as_the_plain_one(
    compiler: Solc,
) -> None:
    if not can_stay(compiler):
        pytest.skip("a native compiler is used as it is")
    resident = ResidentSolc()
    request = models.sparse_binary().standard_input
    try:
        answers = [resident.run(request, compiler.binary.parent) for _ in range(2)]
    finally:
        resident.close()
    plain = solc._run(request, compiler)
    assert answers == [plain, plain]
