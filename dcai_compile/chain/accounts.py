"""Who signs: a key from an encrypted file or the environment, or an account that the node holds.

A key is never an argument, and never in a message, a log or a journal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import is_address, to_checksum_address

from dcai_compile.chain.node import Node
from dcai_compile.errors import ChainError, InputInvalid, InvalidOption

PRIVATE_KEY = "DCAI_PRIVATE_KEY"
PASSWORD = "DCAI_PASSWORD"
KEY_DIGITS = 64


class Signer(Protocol):
    """An account that can order transactions."""

    address: str

    def sign(self, transaction: Mapping[str, Any]) -> bytes | None:
        """The signed transaction; None where the node signs it itself."""


class KeySigner:
    """A key in this process."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account
        self.address = str(account.address)

    def sign(self, transaction: Mapping[str, Any]) -> bytes | None:
        return bytes(self._account.sign_transaction(dict(transaction)).raw_transaction)

    def __repr__(self) -> str:
        return f"KeySigner({self.address})"


class NodeSigner:
    """An account that the node holds unlocked."""

    def __init__(self, address: str) -> None:
        self.address = str(to_checksum_address(address))

    def sign(self, transaction: Mapping[str, Any]) -> bytes | None:
        return None


def open_signer(
    node: Node,
    *,
    keystore: str | Path | None = None,
    account: str | None = None,
    environ: Mapping[str, str] = os.environ,
    ask_password: Callable[[str], str] | None = None,
) -> Signer:
    """The account to use: `keystore` or `account`, else the key in the environment, else the node's first.

    `account` is an address, or the number of one of the node's accounts.
    Raises `InputInvalid` for a file or a key that cannot be used, `InvalidOption` for an account
    that is not there, `ChainError` where there is none at all.
    """
    if keystore is not None and account is not None:
        raise InvalidOption(
            "a keystore and an account of the node are two accounts",
            hint="name one of them",
            option="account",
            value=hidden(account),
        )
    if keystore is not None:
        return KeySigner(_from_keystore(Path(keystore), environ, ask_password))
    if account is None and environ.get(PRIVATE_KEY):
        return KeySigner(_from_key(environ[PRIVATE_KEY]))
    return NodeSigner(_of_node(node, account))


def _from_keystore(
    path: Path, environ: Mapping[str, str], ask_password: Callable[[str], str] | None
) -> LocalAccount:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputInvalid(
            f"{path} is no keystore file: {type(error).__name__}",
            hint="pass the JSON file that a wallet has exported",
            path=str(path),
        ) from None
    password = environ.get(PASSWORD)
    if password is None:
        if ask_password is None:
            raise InputInvalid(
                f"{path} is encrypted, and there is no password",
                hint=f"set {PASSWORD}, or run in a terminal to be asked",
                path=str(path),
            )
        password = ask_password(f"password of {path.name}: ")
    try:
        key = Account.decrypt(content, password)
    except Exception:
        # The cause is left out: it may hold what was decrypted.
        raise InputInvalid(
            f"{path} cannot be decrypted",
            hint="check the password, and that this is an Ethereum keystore of version 3",
            path=str(path),
        ) from None
    return _from_key(bytes(key))


def _from_key(key: str | bytes) -> LocalAccount:
    try:
        account: LocalAccount = Account.from_key(key)
    except Exception:
        raise InputInvalid(
            f"{PRIVATE_KEY} is no private key",
            hint="give 32 bytes as 64 hexadecimal digits",
        ) from None
    return account


def _of_node(node: Node, account: str | None) -> str:
    answer = node.answer("eth_accounts")  # which public nodes refuse
    found = [] if "error" in answer else answer["result"]
    known = [to_checksum_address(address) for address in found]
    if not known:
        raise ChainError(
            f"the node at {node.place} holds no account",
            hint=f"pass --keystore FILE, or set {PRIVATE_KEY}",
        )
    if account is None:
        return known[0]
    if account.isdecimal() and int(account) < len(known):
        return known[int(account)]
    if is_address(account) and to_checksum_address(account) in known:
        return to_checksum_address(account)
    raise InvalidOption(
        f"the node holds no account {hidden(account)}",
        hint=f"it holds {len(known)}, the first is {known[0]}",
        option="account",
        value=hidden(account),
    )


def hidden(text: str) -> str:
    """`text` as a message may show it: what is as long as a key could be one, given by mistake."""
    return text if len(text) < KEY_DIGITS else "…, which is as long as a private key"
