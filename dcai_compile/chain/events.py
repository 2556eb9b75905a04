"""Reading a contract's events from a node, however many blocks, whatever it caps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from dcai_compile.chain.node import Node, error_message, hex_bytes
from dcai_compile.errors import ChainError
from dcai_compile.evm import Log

FIRST_SPAN = 10_000
"""Blocks asked for at first; halved where a node refuses, doubled where it answers."""

LARGEST_SPAN = 1_000_000


@dataclass(frozen=True)
class Event:
    """An event with its place on the chain."""

    log: Log
    block: int
    index: int
    transaction: str


def read_events(
    node: Node,
    addresses: Sequence[str],
    topics: Sequence[bytes],
    *,
    first: int = 0,
    last: int | None = None,
) -> list[Event]:
    """Events of these contracts with one of these first topics, in the order of the chain.

    Blocks `first` to `last`, the latest by default. Raises `ChainError`.
    """
    end = int(node.ask("eth_blockNumber"), 16) if last is None else last
    found: dict[tuple[int, int], Event] = {}
    start, span = first, FIRST_SPAN
    while start <= end:
        stop = min(end, start + span - 1)
        answer = node.answer(
            "eth_getLogs",
            {
                "address": list(addresses),
                "fromBlock": hex(start),
                "toBlock": hex(stop),
                **({"topics": [["0x" + topic.hex() for topic in topics]]} if topics else {}),
            },
        )
        if "error" in answer:
            # Too many blocks or too many events for this node: nodes word it in many ways.
            if span == 1:
                raise ChainError(
                    f"the node at {node.place} does not give the events of block {start}: "
                    f"{error_message(answer)}",
                    hint="use a node that keeps the history (an archive node)",
                )
            span = max(1, min(span, stop - start + 1) // 2)
            continue
        for entry in answer["result"]:  # a node may repeat what it said of a block before
            event = _event(entry)
            found[event.block, event.index] = event
        start, span = stop + 1, min(LARGEST_SPAN, span * 2)
    return [found[place] for place in sorted(found)]


def log_of(entry: Mapping[str, Any]) -> Log:
    """A log of a receipt or an answer."""
    topics = tuple(map(hex_bytes, entry["topics"]))
    return Log(str(to_checksum_address(entry["address"])), topics, hex_bytes(entry["data"]))


def _event(entry: Mapping[str, Any]) -> Event:
    return Event(
        log_of(entry),
        int(entry["blockNumber"], 16),
        int(entry["logIndex"], 16),
        str(entry["transactionHash"]),
    )
