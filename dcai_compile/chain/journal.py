"""What a deployment has done so far, on disk before it is done on chain.

The journal stands beside the artifact folder, which a new compilation may replace, and is written
whole or not at all. It holds signed transactions, which anybody may see, and never a key.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dcai_compile._cache import write_atomically
from dcai_compile.chain.transactions import Order
from dcai_compile.errors import ArtifactInvalid, DeploymentMismatch

SCHEMA = 1


@dataclass
class Step:
    """One transaction of a deployment.

    Attributes
    ----------
    name : of the contract that it creates or hands over.
    kind : ``"create2"``, ``"create"`` or ``"transfer"``.
    order : the transaction.
    address : of the contract, once it is known.
    gas_used, block : from the receipt; 0 where the contract was there already.
    done : whether it has happened.
    """

    name: str
    kind: str
    order: Order
    address: str = ""
    gas_used: int = 0
    block: int = 0
    done: bool = False


@dataclass
class Journal:
    """The deployment of one artifact by one account on one chain."""

    path: Path
    chain_id: int
    artifact: str
    sender: str
    steps: list[Step] = field(default_factory=list)

    @property
    def addresses(self) -> dict[str, str]:
        """Addresses known so far, by contract name, as their creations gave them."""
        return {
            step.name: step.address
            for step in self.steps
            if step.address and step.kind != "transfer"
        }

    def save(self) -> None:
        """Write it; on return it is on disk. Raises `ArtifactInvalid` where that is impossible."""
        text = json.dumps(self._facts(), indent=1) + "\n"
        try:
            write_atomically(self.path, text.encode(), durable=True)
            # A rename is on disk only when its folder is.
            if hasattr(os, "O_DIRECTORY"):
                folder = os.open(self.path.parent, os.O_DIRECTORY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
        except OSError as error:
            raise ArtifactInvalid(
                f"{self.path} cannot be written: {error}",
                hint="nothing more was sent; make that folder writable, and run the command again",
                path=str(self.path.parent),
                file=self.path.name,
            ) from None

    def _facts(self) -> dict[str, Any]:
        facts = asdict(self)
        del facts["path"]
        for step in facts["steps"]:
            # The data of an order comes from the artifact, of which the journal holds the hash.
            step["order"]["data"] = hashlib.sha256(step["order"]["data"]).hexdigest()
        return {"schema": SCHEMA, **facts}


def journal_path(artifact: Path, chain_id: int) -> Path:
    """Where the journal of a deployment of an artifact folder is."""
    named = artifact if artifact.name not in ("", "..") else artifact.resolve()
    return named.parent / f"{named.name}.deployments" / f"{chain_id}.json"


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a journal for this process. Raises `ArtifactInvalid` where another one has it.

    The lock goes with the process, however it ends.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_suffix(".lock"), timeout=0)
        lock.acquire()
    except (OSError, Timeout) as error:
        busy = isinstance(error, Timeout)
        raise ArtifactInvalid(
            f"{path} is in use by another deployment"
            if busy
            else f"{path} cannot be written: {error}",
            hint="wait until it has ended" if busy else "make that folder writable",
            path=str(path.parent),
            file=path.name,
        ) from None
    try:
        yield
    finally:
        lock.release()


def open_journal(artifact: Path, digest: str, chain_id: int, sender: str) -> Journal:
    """The journal of an earlier run, or a new one.

    Raises `DeploymentMismatch` where an earlier run deployed another artifact from this folder, or
    was another account's; `ArtifactInvalid` for a journal that cannot be read.
    """
    path = journal_path(artifact, chain_id)
    found = find_journal(path)
    if found is None:
        return Journal(path, chain_id, digest, sender)
    for what, before, now in (
        ("artifact", found.artifact, digest),
        ("account", found.sender, sender),
    ):
        if before != now:
            raise DeploymentMismatch(
                f"{path} is of another {what}: {before}, now {now}",
                hint=f"go on with that {what}, or move the journal away to deploy anew",
                expected=before,
                found=now,
            )
    return found


def find_journal(path: Path) -> Journal | None:
    """A journal from disk, None where there is none. Raises `ArtifactInvalid`."""
    # Unlike Path.exists this does not raise: a folder that may not be entered is told by `save`.
    return read_journal(path) if os.path.exists(path) else None


def read_journal(path: Path) -> Journal:
    """A journal from disk. Raises `ArtifactInvalid`."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(facts, dict) or facts.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        steps = [
            Step(**{**step, "order": Order(**{**step["order"], "data": b""})})
            for step in facts.pop("steps")
        ]
        if str(facts["chain_id"]) != path.stem:
            raise ValueError(f"it is of chain {facts['chain_id']}")
        return Journal(path, steps=steps, **facts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactInvalid(
            f"{path} cannot be read: {type(error).__name__}: {error}",
            hint="restore it from a copy; without it, what was deployed cannot be gone on with",
            path=str(path.parent),
            file=path.name,
        ) from None
