"""What a node's answers must look like: what looks otherwise counts as no answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from web3.types import RPCResponse

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x([0-9a-fA-F]{2})*")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class OddAnswer(ValueError):
    """An answer that is none in JSON-RPC, or not of the kind that the request asks for."""


def checked(method: str, answer: Any) -> RPCResponse:
    """`answer` with either an error or a result that looks right. Raises `OddAnswer`."""
    if not isinstance(answer, Mapping):
        raise OddAnswer(f"{method} is answered without an object")
    if answer.get("error") is not None:
        return cast(RPCResponse, answer)
    looks_right = _RESULTS.get(method)
    if "result" not in answer or (looks_right is not None and not looks_right(answer["result"])):
        raise OddAnswer(f"{method} is answered without a result of its kind")
    # Some nodes write an error of null beside a result.
    return cast(RPCResponse, {key: value for key, value in answer.items() if key != "error"})


def _is(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_is_quantity, _is_data, _is_hash, _is_address = map(_is, (_QUANTITY, _DATA, _HASH, _ADDRESS))


def _is_block(block: Any) -> bool:
    return (
        isinstance(block, Mapping)
        and _is_quantity(block.get("timestamp"))
        and (block.get("baseFeePerGas") is None or _is_quantity(block["baseFeePerGas"]))
    )


def _is_log(entry: Any) -> bool:
    return (
        isinstance(entry, Mapping)
        and _is_address(entry.get("address"))
        and _is_data(entry.get("data"))
        and _is_list_of(_is_hash)(entry.get("topics"))
    )


def _is_event(entry: Any) -> bool:
    return (
        _is_log(entry)
        and all(_is_quantity(entry.get(key)) for key in ("blockNumber", "logIndex"))
        and _is_hash(entry.get("transactionHash"))
    )


def _is_receipt(receipt: Any) -> bool:
    if receipt is None or (isinstance(receipt, Mapping) and receipt.get("blockNumber") is None):
        return True  # it is not mined yet
    return (
        isinstance(receipt, Mapping)
        and all(_is_quantity(receipt.get(key)) for key in ("gasUsed", "blockNumber", "status"))
        and _is_list_of(_is_log)(receipt.get("logs"))
    )


def _is_list_of(looks_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda values: isinstance(values, list) and all(map(looks_right, values))


_RESULTS: dict[str, Callable[[Any], bool]] = {
    "eth_accounts": _is_list_of(_is_address),
    "eth_blockNumber": _is_quantity,
    "eth_call": _is_data,
    "eth_chainId": _is_quantity,
    "eth_estimateGas": _is_quantity,
    "eth_gasPrice": _is_quantity,
    "eth_getBalance": _is_quantity,
    "eth_getBlockByNumber": _is_block,
    "eth_getCode": _is_data,
    "eth_getLogs": _is_list_of(_is_event),
    "eth_getStorageAt": _is_quantity,
    "eth_getTransactionCount": _is_quantity,
    "eth_getTransactionReceipt": _is_receipt,
    "eth_maxPriorityFeePerGas": _is_quantity,
    "eth_sendRawTransaction": _is_hash,
    "eth_sendTransaction": _is_hash,
}
"""By method; of others nothing is known."""
