"""Calldata of what is done with samples, packed where that is possible, and the events that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_abi.packed import encode_packed
from eth_utils.address import to_checksum_address
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
        known = ["uint64", "uint256", "address"], [self.classification, self.time, self.author]
        if self.packed is None:
            # Elements of an array are words even in Solidity's packed encoding; eth_abi does not pad them.
            words = abi.int64_array(self.data)[abi.WORD :]
            return keccak(words + encode_packed(*known))
        digest = keccak(self.packed + encode_packed(*known))
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
    arguments = encode(["int64[]", "uint64", "uint256"], [contribution.data, *known])
    return abi.selector("refund(int64[],uint64,uint256)") + arguments


def report(contribution: Contribution) -> bytes:
    """Calldata of a report."""
    known = contribution.classification, contribution.time
    if contribution.packed is not None:
        author = int(contribution.author, 16)
        return abi.packed_call(abi.REPORT_PACKED, contribution.packed, *known, author)
    arguments = [contribution.data, *known, contribution.author]
    return abi.selector("report(int64[],uint64,uint256,address)") + encode(
        ["int64[]", "uint64", "uint256", "address"], arguments
    )


def contribution_of(
    log: Log, classes: Sequence[ClassLabel], packing: Packing | None
) -> Contribution | None:
    """The contribution that an event of one of `ADDED_TOPICS` tells of; None where it makes no sense."""
    is_packed = log.topics[0] == ADD_PACKED_TOPIC
    kind = "bytes" if is_packed else "int64[]"
    try:
        data, classification, time, cost = decode([kind, "uint64", "uint256", "uint256"], log.data)
        author = decode(["address"], log.topics[1])[0]
        label = classes[classification]
    except (DecodingError, IndexError):
        return None
    packed = bytes(data) if is_packed else None
    if packed is not None:
        data = packing.unpack(packed) if packing else None
        if data is None:
            return None
    author = to_checksum_address(author)
    return Contribution(tuple(data), classification, label, time, author, cost, packed)
