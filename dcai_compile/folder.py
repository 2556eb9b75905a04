"""An artifact folder: everything about one compiled model, written whole or not at all.

`manifest.json` lists the SHA-256 of every other file and carries one of itself, so that a
changed byte anywhere is found before anything is done with the folder.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile import __version__
from dcai_compile.artifact import Compiled, Contract
from dcai_compile.delta_choice import typical_elements
from dcai_compile.encoding import Encoding
from dcai_compile.errors import ArtifactInvalid, DcaiError, InvalidOption
from dcai_compile.families import family_of
from dcai_compile.incentives import Argument
from dcai_compile.layout import plan_layout
from dcai_compile.model import Mirror, Options, Revert
from dcai_compile.render import class_names, model_hash, render
from dcai_compile.report import report_html
from dcai_compile.solc import SOLC_VERSION
from dcai_compile.system import shell_of

SCHEMA = 2
MANIFEST = "manifest.json"
EPOCH = (1980, 1, 1, 0, 0, 0)


def save(compiled: Compiled, folder: str | Path) -> Path:
    """Write `folder`, replacing an artifact that is there; anything else there is left alone.

    Raises `InvalidOption` if `folder` holds something that is not an artifact, or cannot be
    written; what was there is then still there.
    """
    target = Path(folder)
    if target.exists() and not _may_replace(target):
        raise InvalidOption(
            f"{target} exists and is not an artifact folder",
            hint="choose a new folder, or remove this one yourself",
            option="out",
            value=str(target),
        )
    try:
        _write(target, contents(compiled))
    except OSError as error:
        raise InvalidOption(
            f"{target} cannot be written: {error}",
            hint="choose a folder that you may write, on a disk with room",
            option="out",
            value=str(target),
        ) from error
    return target


def _write(target: Path, files: dict[str, bytes]) -> None:
    """Write everything beside `target`, then give it the name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        fresh = Path(scratch) / "new"
        for path, data in files.items():
            file = fresh / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        # Renames only: at no moment is there half an artifact under the name.
        old = Path(scratch) / "old"
        if target.exists():
            target.rename(old)
        try:
            fresh.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise


def _may_replace(target: Path) -> bool:
    return target.is_dir() and ((target / MANIFEST).is_file() or not any(target.iterdir()))


def contents(compiled: Compiled) -> dict[str, bytes]:
    """Every file of the artifact folder by path; the same model gives the same bytes."""
    family = family_of(compiled.integers.model.family)
    facts, arrays = family.dump(compiled.integers)
    files = {f"sources/{path}": text.encode() for path, text in compiled.source.items()}
    files["standard-input.json"] = _json(compiled.standard_input)
    files["abi.json"] = _json(compiled.abi)
    files["bytecode.hex"] = compiled.bytecode.hex().encode() + b"\n"
    files["contracts.json"] = _json([_contract_facts(part) for part in compiled.contracts])
    files[f"{compiled.options.name}.json"] = _json(truffle_artifact(compiled.main))
    files["parameters.npz"] = _npz(arrays)
    files["encoder.json"] = compiled.encoder.to_json()
    files["vectors.json"] = _json(vectors(compiled))
    files["report.html"] = report_html(compiled).encode()
    manifest = {
        "schema": SCHEMA,
        "generator": f"dcai_compile {__version__}",
        "solc": SOLC_VERSION,
        "model_hash": "0x" + compiled.sources.model_hash.hex(),
        "options": asdict(compiled.options),
        "family": compiled.integers.model.family,
        "encoding": asdict(compiled.integers.encoding),
        "class_names": list(class_names(compiled.integers.model, compiled.options)),
        "model": facts,
        "layout": list(compiled.layout.reasons),
        "base_place": compiled.layout.base_place,
        "files": {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())},
    }
    manifest["sha256"] = _manifest_hash(manifest)
    files[MANIFEST] = _json(manifest)
    return files


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def _manifest_hash(manifest: dict[str, Any]) -> str:
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _contract_facts(contract: Contract) -> dict[str, Any]:
    return {
        "name": contract.name,
        "abi": contract.abi,
        "initcode": contract.initcode.hex(),
        "runtime": contract.runtime.hex(),
        "arguments": [asdict(argument) for argument in contract.arguments],
        "owner": contract.owner,
    }


def truffle_artifact(contract: Contract) -> dict[str, Any]:
    """The artifact JSON of the Truffle tools, which DCAI's client loads; of no network yet."""
    return {
        "contractName": contract.name,
        "abi": contract.abi,
        "bytecode": "0x" + contract.initcode.hex(),
        "deployedBytecode": "0x" + contract.runtime.hex(),
        "compiler": {"name": "solc", "version": SOLC_VERSION},
        "networks": {},
        "schemaVersion": "3.4.16",
    }


def _npz(arrays: dict[str, NDArray[Any]]) -> bytes:
    """An uncompressed ``.npz`` without the time of day that numpy would put into it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(arrays[name]))
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", EPOCH), member.getvalue())
    return buffer.getvalue()


def vectors(compiled: Compiled) -> dict[str, Any]:
    """Samples with what the contract must answer, fresh and after the samples were taught in order."""
    mirror = compiled.new_mirror()
    samples = [sample.tolist() for sample in compiled.examples]
    n_classes = len(compiled.integers.model.classes)
    result: dict[str, Any] = {"before": _answers(mirror, compiled)}
    taught = []
    for number, sample in enumerate(samples):
        # Every sample is taught as another class than it was: a step that surely moves something.
        step: dict[str, Any] = {"sample": sample, "classification": number % n_classes}
        try:
            mirror.update_encoded(sample, number % n_classes)
        except Revert as revert:
            step["reverts"] = str(revert)
        taught.append(step)
    return {**result, "updates": taught, "after": _answers(mirror, compiled)}


def _answers(mirror: Mirror, compiled: Compiled) -> list[dict[str, Any]]:
    scores = mirror.scores(list(compiled.examples))
    return [
        {
            "sample": sample.tolist(),
            "scores": [str(score) for score in row],
            "classification": mirror.decide(row),
        }
        for sample, row in zip(compiled.examples, scores, strict=True)
    ]


def load_artifact(folder: str | Path) -> Compiled:
    """Read an artifact folder back, after checking every byte of it. Raises `ArtifactInvalid`."""
    root = Path(folder)
    manifest = _read_manifest(root)
    files = _read_files(root, manifest)
    try:
        return _rebuild(manifest, files)
    except DcaiError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise _invalid(root, MANIFEST, f"{type(error).__name__}: {error}") from None


def artifact_digest(folder: str | Path) -> str:
    """SHA-256 of everything in an artifact folder, as its manifest states it."""
    return str(_read_manifest(Path(folder))["sha256"])


def _read_manifest(root: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((root / MANIFEST).read_bytes())
        found = manifest["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _invalid(root, MANIFEST, f"{type(error).__name__}: {error}") from None
    if manifest.get("schema") != SCHEMA:
        raise _invalid(root, MANIFEST, f"schema {manifest.get('schema')!r}, expected {SCHEMA}")
    if found != _manifest_hash(manifest):
        raise _invalid(root, MANIFEST, "its own hash does not match")
    checked: dict[str, Any] = manifest
    return checked


def _read_files(root: Path, manifest: dict[str, Any]) -> dict[str, bytes]:
    files = {}
    for path, expected in manifest["files"].items():
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise _invalid(root, path, "it is not inside the folder")
        try:
            data = (root / path).read_bytes()
        except OSError as error:
            raise _invalid(root, path, str(error)) from None
        if hashlib.sha256(data).hexdigest() != expected:
            raise _invalid(root, path, "its hash does not match the manifest")
        files[path] = data
    return files


def _invalid(root: Path, file: str, reason: str) -> ArtifactInvalid:
    return ArtifactInvalid(
        f"{root / file}: {reason}",
        hint="compile the model again; an artifact folder is not edited by hand",
        path=str(root),
        file=file,
    )


def _rebuild(manifest: dict[str, Any], files: dict[str, bytes]) -> Compiled:
    raw = manifest["options"]
    names = raw["class_names"]
    options = Options(**{**raw, "class_names": None if names is None else tuple(names)})
    family = family_of(manifest["family"])
    with np.load(io.BytesIO(files["parameters.npz"]), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    integers = family.load(manifest["model"], arrays, Encoding(**manifest["encoding"]))
    stored_vectors = json.loads(files["vectors.json"])
    examples = tuple(np.array(item["sample"], np.int64) for item in stored_vectors["before"])
    layout = plan_layout(
        family.code_table(integers),
        family.storage_tables(integers),
        shell_of(options).first_slot,
        own_code=manifest["base_place"] == "own_code",
        elements=typical_elements(examples),
    )
    if "0x" + model_hash(integers).hex() != manifest["model_hash"]:
        raise ValueError("the parameters do not have the model hash")
    contracts = tuple(
        Contract(
            part["name"],
            part["abi"],
            bytes.fromhex(part["initcode"]),
            bytes.fromhex(part["runtime"]),
            tuple(Argument(**argument) for argument in part["arguments"]),
            part["owner"],
        )
        for part in json.loads(files["contracts.json"])
    )
    source = render(integers, layout, options)
    return Compiled(
        options,
        integers,
        layout,
        source,
        json.loads(files["standard-input.json"]),
        contracts,
        examples,
    )
