"""What the commands on a real chain share: their options, the node, the account, the question."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dcai_compile.cli import mistakes_in_words, out, progress_bar

if TYPE_CHECKING:
    from dcai_compile.calls import Contribution
    from dcai_compile.deployment import Deployment

GWEI = 10**9

FolderArgument = Annotated[Path, typer.Argument(help="An artifact folder.")]
RpcOption = Annotated[
    str, typer.Option("--rpc", envvar="DCAI_RPC", help="URL of a node, http(s) or ws(s).")
]
AddressOption = Annotated[
    str | None,
    typer.Option("--address", help="Of the system; default: where dcai deploy has put it."),
]
KeystoreOption = Annotated[
    Path | None,
    typer.Option("--keystore", help="Encrypted key file; password asked, or in DCAI_PASSWORD."),
]
AccountOption = Annotated[
    str | None, typer.Option("--account", help="One of the node's own: address or number.")
]
FeeOption = Annotated[
    float | None, typer.Option("--max-fee", min=0, help="Gwei a unit of gas at most.")
]
YesOption = Annotated[
    bool,
    typer.Option(
        "--yes", help="Do not ask before sending; --json never asks, and sends with this only."
    ),
]


def connect(rpc: str) -> Any:
    """The node at a URL."""
    from dcai_compile.chain.node import Node

    return Node(rpc)


def signer_of(node: Any, keystore: Path | None, account: str | None) -> Any:
    """The account that signs, as the options or the environment name it."""
    from dcai_compile.chain.accounts import open_signer

    ask = getpass.getpass if sys.stdin.isatty() else None
    return open_signer(node, keystore=keystore, account=account, ask_password=ask)


def attached(
    folder: Path,
    rpc: str,
    address: str | None,
    signing: tuple[Path | None, str | None, float | None] | None = None,
) -> Deployment:
    """The system of an artifact on the chain of a node, checked; `signing` to send as well."""
    from dcai_compile.chain.attach import attach

    node = connect(rpc)
    if signing is None:
        return attach(folder, node, address)
    keystore, account, max_fee = signing
    signer = signer_of(node, keystore, account)
    return attach(folder, node, address, signer=signer, max_fee=wei(max_fee))


def wei(gwei: float | None) -> int | None:
    """Wei of an option in gwei."""
    from dcai_compile.errors import InvalidOption

    if gwei is None:
        return None
    if not 0 < gwei < 10**9:  # which not a number is not either
        raise InvalidOption(
            f"--max-fee {gwei} is no price of gas",
            hint="give gwei a unit of gas, for instance 2.5",
            option="max_fee",
            value=gwei,
        )
    return int(gwei * GWEI)


def write_text(path: Path, text: str) -> None:
    """Write a file that the user has asked for, with the same bytes on any system."""
    from dcai_compile.errors import InvalidOption

    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InvalidOption(
            f"{path} cannot be written: {error.strerror}",
            hint="name a file in a folder that exists and that you may write",
            option="path",
            value=str(path),
        ) from None


def agree(question: str, yes: bool, facts: dict[str, Any] | None = None) -> None:
    """Go on, or leave with nothing sent. Where nobody can be asked only `--yes` goes on.

    `facts` is what `--json` prints in the place of the question.
    """
    if yes:
        return
    if facts is not None:
        out.print_json(json.dumps({**facts, "sent": False, "hint": "pass --yes to send"}))
        raise typer.Exit(2)
    if not sys.stdin.isatty():
        out.print(f"{question} Nothing was sent: pass --yes to go on.", markup=False)
        raise typer.Exit(2)
    if not typer.confirm(question):
        out.print("Nothing was sent.")
        raise typer.Exit(0)


@contextmanager
def quietly(as_json: bool) -> Iterator[Any]:
    """Mistakes in words around a progress bar."""
    with mistakes_in_words(as_json), progress_bar(as_json) as progress:
        yield progress


def print_result(facts: Any, as_json: bool, lines: list[str]) -> None:
    """The result of a command, for people or as one JSON object."""
    if as_json:
        out.print_json(json.dumps(facts))
        return
    for line in lines:
        out.print(line, markup=False)


def contribution_facts(contribution: Contribution) -> dict[str, Any]:
    """A contribution as JSON has it."""
    packed = contribution.packed
    return {
        **asdict(contribution),
        "data": list(contribution.data),
        "packed": None if packed is None else "0x" + packed.hex(),
    }
