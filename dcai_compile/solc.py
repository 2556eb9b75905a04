"""The Solidity compiler: one pinned version, found or fetched, and its answers kept.

Native and WebAssembly builds of one version give the same bytecode, so where the compiler comes
from never shows in an artifact. It is driven by py-solc-x in every case.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcai_compile import _cache, _solcjs
from dcai_compile._solcjs import NotHere
from dcai_compile.errors import SolcFailed, SolcUnavailable

__all__ = [
    "SOLC_VERSION",
    "Solc",
    "compile_standard",
    "diagnostics",
    "find_solc",
    "installed_version",
]

SOLC_VERSION = "0.8.34"

HINT = (
    f"install Node.js with npm (Debian: apt install nodejs npm; macOS: brew install node) and try "
    f"again while online, or get a solc {SOLC_VERSION} binary and name it with --solc or DCAI_SOLC"
)

# py-solc-x downloads without any time limit, hence the child processes and these limits:
# an unreachable host costs the first, a stalled download the second.
PROBE_SECONDS = 6
DOWNLOAD_SECONDS = 90
_PROBE = "import requests, solcx.install as s; requests.head(s.BINARY_DOWNLOAD_BASE, timeout=3)"
_DOWNLOAD = f"import solcx; solcx.install_solc({SOLC_VERSION!r})"


@dataclass(frozen=True)
class Solc:
    """A compiler of the pinned version: its executable, and in words where it came from."""

    binary: Path
    origin: str


def find_solc(path: str | Path | None = None) -> Solc:
    """The compiler at `path` or `DCAI_SOLC`, else the first that is found or can be fetched.

    The order: py-solc-x's installed binary, `solc` on the PATH, the npm package in the cache,
    py-solc-x's download, the npm package fetched. Nothing is fetched while anything is there.

    Raises `SolcUnavailable` when a compiler named by the user is missing or of another version
    (no other is tried then), or when no place has one.
    """
    if path is not None:
        return _named(Path(path), "the path given")
    if named := os.environ.get("DCAI_SOLC"):
        return _named(Path(named), "DCAI_SOLC")
    tried = []
    for attempt in (_solcx_installed, _on_path, _npm_cached, _solcx_downloaded, _npm_installed):
        try:
            return attempt()
        except NotHere as why:
            tried.append(str(why))
    raise SolcUnavailable(
        "\n  - ".join([f"no Solidity compiler {SOLC_VERSION} found or fetched:", *tried]),
        hint=HINT,
        version=SOLC_VERSION,
        tried=tuple(tried),
    )


def installed_version(binary: str | Path) -> str:
    """The version that the compiler `binary` reports, without its commit: `"0.8.34"`.

    A nightly keeps its suffix, so it never passes for the release. Raises `SolcUnavailable` when
    `binary` does not exist, cannot be run or is no solc.
    """
    path = Path(binary)
    try:
        stat = path.stat()
        return _reported_version(path, stat.st_mtime_ns, stat.st_size)
    except FileNotFoundError:
        why = f"there is no {path}"
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        why = f"{path} does not run as a Solidity compiler: {error}"
    raise SolcUnavailable(why, hint=HINT, version=SOLC_VERSION, tried=(str(path),))


def compile_standard(standard_input: dict[str, Any], solc: Solc | None = None) -> dict[str, Any]:
    """Compile: Solidity's standard JSON input in, its standard JSON output out, warnings included.

    Outputs are kept in the user's cache under the hash of compiler version and input; a known
    input runs no compiler, and without `solc` looks for none unless `DCAI_SOLC` names one, which
    is always checked. Raises `SolcFailed` with the compiler's diagnostics when it refuses,
    `SolcUnavailable` when there is no compiler.
    """
    if solc is None and os.environ.get("DCAI_SOLC"):
        solc = find_solc()
    canonical = json.dumps(standard_input, sort_keys=True, separators=(",", ":"))
    key = hashlib.sha256(f"solc {SOLC_VERSION}\n{canonical}".encode()).hexdigest()
    folder = _cache.cache_folder() / "compiled"
    output = _cache.load(folder, key)
    if output is None:
        # What is compiled is what was hashed, so the order of the caller's keys plays no part.
        output = _run(json.loads(canonical), solc or find_solc())
        _cache.store(folder, key, output)
    return output


def diagnostics(output: dict[str, Any], severity: str) -> tuple[str, ...]:
    """The compiler's messages of one severity, as it prints them, with file, line and source line.

    `output` is a standard JSON output, `severity` is `"error"`, `"warning"` or `"info"`.
    """
    return tuple(
        str(entry.get("formattedMessage") or entry["message"]).strip()
        for entry in output.get("errors", ())
        if entry["severity"] == severity
    )


def main() -> int:
    """Make sure that a compiler is there and print which; for set-up scripts."""
    try:
        solc = find_solc()
    except SolcUnavailable as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"solc {SOLC_VERSION} from {solc.origin}: {solc.binary}")
    return 0


def _named(binary: Path, origin: str) -> Solc:
    """What the user names is taken or refused, never passed over in silence."""
    found = installed_version(binary)
    if found != SOLC_VERSION:
        raise SolcUnavailable(
            f"{binary} ({origin}) is solc {found}; contracts are built with {SOLC_VERSION} only",
            hint=f"name a solc {SOLC_VERSION}, or name none to have one found",
            version=SOLC_VERSION,
            tried=(str(binary),),
        )
    return Solc(binary, origin)


def _checked(binary: Path, origin: str) -> Solc:
    """A find, if it runs and has the pinned version."""
    try:
        found = installed_version(binary)
    except SolcUnavailable as error:
        raise NotHere(f"{origin}: {error.message}") from error
    if found != SOLC_VERSION:
        raise NotHere(f"{origin}: {binary} is solc {found}")
    return Solc(binary, origin)


def _solcx_installed() -> Solc:
    import solcx
    from solcx.exceptions import SolcNotInstalled

    try:
        binary = solcx.install.get_executable(SOLC_VERSION)
    except SolcNotInstalled:
        raise NotHere(f"py-solc-x: it has no solc {SOLC_VERSION} installed") from None
    except (OSError, RuntimeError) as error:  # a home folder that is read-only, or unknown
        raise NotHere(f"py-solc-x: its folder cannot be used: {error}") from error
    return _checked(binary, "py-solc-x")


def _on_path() -> Solc:
    found = shutil.which("solc")
    if found is None:
        raise NotHere("PATH: there is no `solc` on it")
    return _checked(Path(found), "PATH")


def _npm_cached() -> Solc:
    return _checked(_solcjs.cached(_npm_folder()), "npm package in the cache")


def _solcx_downloaded() -> Solc:
    _python(_PROBE, PROBE_SECONDS, "py-solc-x's download: its host cannot be reached")
    _python(_DOWNLOAD, DOWNLOAD_SECONDS, "py-solc-x's download: it failed")
    return _solcx_installed()


def _npm_installed() -> Solc:
    return _checked(_solcjs.install(_npm_folder(), SOLC_VERSION), "npm package")


def _npm_folder() -> Path:
    return _cache.cache_folder() / f"solcjs-{SOLC_VERSION}"


def _python(code: str, seconds: float, failure: str) -> None:
    """Run `code` in a child that can be stopped; `-P` keeps the current folder off its path."""
    try:
        subprocess.run(
            [sys.executable, "-P", "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        raise NotHere(failure) from None


@functools.lru_cache(maxsize=32)
def _reported_version(binary: Path, mtime_ns: int, size: int) -> str:
    """`installed_version`, asked once as long as the file stays as it is."""
    answer = subprocess.run(
        [str(binary), "--version"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=30,
        check=True,
    ).stdout
    reported = re.search(r"^Version:\s*(\d+\.\d+\.\d+[^+\s]*)", answer, re.MULTILINE)
    if reported is None:
        raise ValueError(f"no version in {answer[:100]!r}")
    return reported[1]


def _run(standard_input: dict[str, Any], solc: Solc) -> dict[str, Any]:
    """One run of the compiler, its ways to fail told apart."""
    import solcx
    from solcx.exceptions import SolcError

    try:
        return solcx.compile_standard(standard_input, solc_binary=solc.binary)
    except SolcError as error:
        refused = diagnostics({"errors": error.error_dict or ()}, "error")
        died = " ".join((error.stderr_data or error.message).split())[:1_000]
    except ValueError as error:
        refused, died = (), f"{solc.binary} did not answer in JSON: {error}"
    except (OSError, subprocess.SubprocessError) as error:
        raise SolcUnavailable(
            f"{solc.binary} ({solc.origin}) does not run: {error}",
            hint=HINT,
            version=SOLC_VERSION,
            tried=(str(solc.binary),),
        ) from error
    # The cause is left off on purpose: it carries the whole input and output.
    raise SolcFailed(
        f"solc {SOLC_VERSION} refused the source: {refused[0] if refused else died}",
        hint="unless you edited the source, this is a bug of dcai_compile: please report it",
        diagnostics=refused or (died,),
    )


if __name__ == "__main__":
    sys.exit(main())
