"""Calldata of what is done with samples, packed where that is possible, and the events that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from dcai_compile import abi
from dcai_compile.evm import Log
from dcai_compile.model import ClassLabel
from dcai_compile.packing import Packing

ADD_DATA_TOPIC = abi.topic("AddData(int64[],uint64,uint256,address,uint256)")
ADD_PACKED_TOPIC = abi.topic("AddPackedData(bytes,uint64,uint256,address,uint256)")
ADDED_TOPICS = (ADD_DATA_TOPIC, ADD_PACKED_TOPIC)
"""First topics of the two events that tell of a contribution."""


@dataclass(frozen=True)
class Contribution:
    """One accepted `addData`, as the chain's event tells it.

    Attributes
    ----------
    data : the encoded sample.
    classification : index of its class; `label` is the model's own name of it.
    time : when it was added, in seconds.
    author : who added it.
    deposit : what it cost, in wei.
    packed : the sample as it came, where it came packed: it is claimed that way, too.
    """

    data: tuple[int, ...]
    classification: int
    label: ClassLabel
    time: int
    author: str
    deposit: int
    packed: bytes | None = None

    @cached_property
    def key(self) -> bytes:
        """What the contribution is known by: DCAI's key, or that of packed bytes."""
        # Solidity's packed encoding of a uint64, a uint256 and an address.
        known = self.classification.to_bytes(8, "big") + abi.word(self.time)
        known += int(self.author, 16).to_bytes(20, "big")
        if self.packed is None:
            # Elements of an array are words even there.
            return keccak(abi.int64_array(self.data)[abi.WORD :] + known)
        digest = keccak(self.packed + known)
        return bytes(0xFF - byte for byte in digest)


def predict(sample: Sequence[int], packing: Packing | None) -> bytes:
    """Calldata of a prediction; with a packing through the packed entry, where the sample has that form."""
    packed = packing.pack(sample) if packing else None
    if packed is None:
        return abi.sample_call(abi.PREDICT, sample)
    return abi.packed_call(abi.PREDICT_PACKED, packed)


def add(sample: Sequence[int], classification: int, packing: Packing | None) -> bytes:
    """Calldata of a contribution."""
    packed = packing.pack(sample) if packing else None
    if packed is None:
        return abi.add_data_call(sample, classification)
    return abi.packed_call(abi.ADD_PACKED, packed, classification)


def refund(contribution: Contribution) -> bytes:
    """Calldata of a refund."""
    known = contribution.classification, contribution.time
    if contribution.packed is not None:
        return abi.packed_call(abi.REFUND_PACKED, contribution.packed, *known)
    return abi.array_call(abi.REFUND, contribution.data, *known)


def report(contribution: Contribution) -> bytes:
    """Calldata of a report."""
    known = contribution.classification, contribution.time, int(contribution.author, 16)
    if contribution.packed is not None:
        return abi.packed_call(abi.REPORT_PACKED, contribution.packed, *known)
    return abi.array_call(abi.REPORT, contribution.data, *known)


def contribution_of(
    log: Log, classes: Sequence[ClassLabel], packing: Packing | None
) -> Contribution | None:
    """The contribution that an event of one of `ADDED_TOPICS` tells of; None where it makes no sense."""
    is_packed = log.topics[0] == ADD_PACKED_TOPIC
    kind = "bytes" if is_packed else "int64[]"
    try:
        data, classification, time, cost = decode([kind, "uint64", "uint256", "uint256"], log.data)
        (author,) = abi.static_words(log.topics[1], 160)
        label = classes[classification]
    except (DecodingError, IndexError, ValueError):
        return None
    packed = bytes(data) if is_packed else None
    if packed is not None:
        data = packing.unpack(packed) if packing else None
        if data is None:
            return None
    return Contribution(tuple(data), classification, label, time, abi.address(author), cost, packed)
