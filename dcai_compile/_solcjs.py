"""The npm package `solc`: the Solidity compiler as WebAssembly, wherever Node.js runs.

Of the package only `soljson.js`, the compiler itself, is kept, and only when its SHA-256 is the
pinned one; none of the package's other code, nor of what it depends on, is ever run. Beside it
stands a script of our own (`_solcjs.js`) that gives it the native compiler's command line.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib import resources
from pathlib import Path

from dcai_compile._cache import write_atomically

__all__ = ["SOLJSON_SHA256", "NotHere", "cached", "install"]

SOLJSON_SHA256 = "4d847e9615868981cd44a5d7b1896779e6dda323b88e9c693099e0aa8320f70d"

# npm's own patience with a network that is not there is more than a minute.
NPM_OPTIONS = (
    "--ignore-scripts",
    "--no-save",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
)
NPM_SECONDS = 120


class NotHere(Exception):
    """One place has no compiler, and why: a step of the search, not an error of the user's."""


def cached(folder: Path) -> Path:
    """The compiler script in `folder`, when everything it needs is there and unchanged.

    Raises `NotHere` otherwise. The script is written anew where it is missing or is another
    version's, so `folder` needs no more than `soljson.js`.
    """
    soljson = folder / "soljson.js"
    if not soljson.is_file():
        raise NotHere(f"npm package in the cache: there is no {soljson}")
    if (found := _sha256(soljson)) != SOLJSON_SHA256:
        raise NotHere(f"npm package in the cache: {soljson} has the SHA-256 {found}")
    if os.name == "nt":
        raise NotHere("npm package in the cache: Windows does not run its script")
    if shutil.which("node") is None:
        raise NotHere("npm package in the cache: it needs `node`, which is not on the PATH")
    script = folder / "solc"
    try:
        _put_script(script)
    except OSError as error:
        raise NotHere(f"npm package in the cache: cannot write {script}: {error}") from error
    return script


def install(folder: Path, version: str) -> Path:
    """Fetch the npm package into `folder` and give the compiler script.

    Files appear in `folder` whole or not at all, so processes that install at the same time
    overwrite each other with the same bytes. Raises `NotHere` when Node.js is missing, npm
    fails, or what it fetched is not the pinned compiler.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NotHere("npm package: `node` and `npm` are not both on the PATH")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside the destination: a rename is atomic within one file system only.
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".npm-") as staging:
            soljson = _fetch(npm, Path(staging), version)
            folder.mkdir(exist_ok=True)
            os.replace(soljson, folder / "soljson.js")
    except OSError as error:
        raise NotHere(f"npm package: cannot write {folder}: {error}") from error
    return cached(folder)


def _fetch(npm: str, staging: Path, version: str) -> Path:
    """The pinned `soljson.js`, fetched into `staging`."""
    command = [npm, "install", *NPM_OPTIONS, "--prefix", str(staging), f"solc@{version}"]
    try:
        subprocess.run(
            command,
            cwd=staging,  # no .npmrc of the caller's folder takes part
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=NPM_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise NotHere(f"npm package: `npm install` took over {NPM_SECONDS} seconds") from None
    except subprocess.CalledProcessError as error:
        why = " ".join(error.stderr.split())[:300] or f"exit code {error.returncode}"
        raise NotHere(f"npm package: `npm install solc@{version}` failed: {why}") from None
    soljson = staging / "node_modules" / "solc" / "soljson.js"
    if not soljson.is_file():
        raise NotHere(f"npm package: solc@{version} came without soljson.js")
    if (found := _sha256(soljson)) != SOLJSON_SHA256:
        raise NotHere(
            f"npm package: the SHA-256 of soljson.js is {found}, not the pinned {SOLJSON_SHA256}"
        )
    return soljson


def _put_script(script: Path) -> None:
    content = resources.files("dcai_compile").joinpath("_solcjs.js").read_bytes()
    if not (script.is_file() and os.access(script, os.X_OK) and script.read_bytes() == content):
        write_atomically(script, content, mode=0o755)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
