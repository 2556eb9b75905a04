"""The user's cache: what can be fetched or computed again, and may be deleted at any time.

Nothing here raises because of the cache itself: one that cannot be written, or whose entry is
damaged, only costs the time that it would have saved.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir

__all__ = ["cache_folder", "load", "store", "write_atomically"]

# Least recently used entries beyond this many are dropped; a compiled contract is some 100 KB.
KEPT_ENTRIES = 1_000


def cache_folder() -> Path:
    """The folder of everything cached: `DCAI_CACHE`, else the platform's place for caches."""
    return Path(os.environ.get("DCAI_CACHE") or user_cache_dir("dcai_compile", appauthor=False))


def write_atomically(
    path: Path, content: bytes, mode: int = 0o644, *, durable: bool = False
) -> None:
    """Write `content` to `path` so that a reader sees the old file or the whole new one.

    `durable`: even after the power has failed, once the folder is on disk.
    Raises `OSError` when the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def load(folder: Path, key: str) -> dict[str, Any] | None:
    """The object stored under `key`, or None where there is none that is whole."""
    path = _entry(folder, key)
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
        if digest != _digest(key, body):
            return None
        found = json.loads(body)
    except (OSError, ValueError):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # the time of last use decides what `_prune` drops
    return found if isinstance(found, dict) else None


def store(folder: Path, key: str, value: dict[str, Any]) -> None:
    """Keep `value`, a JSON object, under `key`; a cache that cannot be written is left alone."""
    body = json.dumps(value, separators=(",", ":")).encode()
    with contextlib.suppress(OSError):
        write_atomically(_entry(folder, key), _digest(key, body) + b"\n" + body)
        _prune(folder)


def _entry(folder: Path, key: str) -> Path:
    return folder / f"{key}.json"


def _digest(key: str, body: bytes) -> bytes:
    """Covers the key too, so that an entry copied to another's name is not believed."""
    return hashlib.sha256(key.encode() + b"\n" + body).hexdigest().encode()


def _prune(folder: Path) -> None:
    entries = list(folder.glob("*.json"))
    if len(entries) <= KEPT_ENTRIES:
        return
    # Another process may prune at the same time: what has gone meanwhile counts as oldest.
    used = {path: _last_use(path) for path in entries}
    for path in sorted(entries, key=used.__getitem__)[:-KEPT_ENTRIES]:
        path.unlink(missing_ok=True)


def _last_use(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
