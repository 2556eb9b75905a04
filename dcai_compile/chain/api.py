"""The chain from Python: deploy on it, and attach to what is there."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from web3 import Web3

from dcai_compile.artifact import Compiled
from dcai_compile.chain import attach as attaching
from dcai_compile.chain.accounts import PRIVATE_KEY, KeySigner, Signer, open_signer
from dcai_compile.chain.deployer import deploy_artifact
from dcai_compile.chain.node import Node
from dcai_compile.chain.transactions import Transactions
from dcai_compile.deployment import Deployment

Account = LocalAccount | str | int
"""One of eth-account, or of the node's own: its address, or its number."""


def attach(
    folder: str | Path,
    w3: Web3 | Node | str,
    address: str | None = None,
    *,
    account: Account | None = None,
    keystore: str | Path | None = None,
    max_fee: int | None = None,
) -> Deployment:
    """The deployed system of an artifact, found again and checked to the byte.

    Parameters
    ----------
    folder : the artifact's.
    w3 : of web3, or the URL of a node.
    address : of the system; by default where the journal beside the folder says.
    account, keystore : who signs; neither, and no DCAI_PRIVATE_KEY: it can only be asked.
    max_fee : wei a unit of gas at most.

    Raises `DeploymentMismatch` where something else stands there, before anything is sent;
    `InvalidOption`, `ArtifactInvalid`, `ChainError`.
    """
    node = _node(w3)
    signs = account is not None or keystore is not None or bool(os.environ.get(PRIVATE_KEY))
    signer = _signer(node, account, keystore) if signs else None
    return attaching.attach(folder, node, address, signer=signer, max_fee=max_fee)


def deploy(
    compiled: Compiled,
    w3: Web3 | Node | str,
    account: Account | None = None,
    *,
    folder: str | Path | None = None,
    keystore: str | Path | None = None,
    max_fee: int | None = None,
) -> Deployment:
    """Put a system on a chain, or go on where an earlier call was stopped.

    `folder` is an artifact folder of this model, beside which the journal is kept; by default it
    is saved in the user's data directory, where the next call with the same model finds it.
    Without `account` and `keystore` it is the key in DCAI_PRIVATE_KEY, else the node's first.
    """
    node = _node(w3)
    path = compiled.save(_home(compiled)) if folder is None else Path(folder)
    signer = _signer(node, account, keystore)
    deploy_artifact(path, compiled, Transactions(node, signer, max_fee=max_fee))
    return attaching.attach(path, node, signer=signer, max_fee=max_fee)


def _home(compiled: Compiled) -> Path:
    code = b"".join(contract.initcode for contract in compiled.contracts)
    name = f"{compiled.options.name}-{keccak(compiled.sources.model_hash + code).hex()[:16]}"
    return platformdirs.user_data_path("dcai_compile") / "deployments" / name


def _node(w3: Web3 | Node | str) -> Node:
    if isinstance(w3, Node):
        return w3
    return Node(w3) if isinstance(w3, str) else Node.of_provider(getattr(w3, "provider", w3))


def _signer(node: Node, account: Account | None, keystore: str | Path | None) -> Signer:
    if isinstance(account, LocalAccount):
        return KeySigner(account)
    if account is not None and keystore is None:  # named, so never the one in the environment
        return open_signer(node, account=str(account), environ={})
    return open_signer(node, keystore=keystore)
