"""Calldata of what is done with samples, packed where that is possible, and the events that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

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
    """

    data: tuple[int, ...]
    classification: int
    label: ClassLabel
    time: int
    author: str
    deposit: int


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


def refund(contribution: Contribution, packing: Packing | None) -> bytes:
    """Calldata of a refund."""
    packed = packing.pack(contribution.data) if packing else None
    known = contribution.classification, contribution.time
    if packed is None:
        arguments = encode(["int64[]", "uint64", "uint256"], [contribution.data, *known])
        return abi.selector("refund(int64[],uint64,uint256)") + arguments
    return abi.packed_call(abi.REFUND_PACKED, packed, *known)


def report(contribution: Contribution, packing: Packing | None) -> bytes:
    """Calldata of a report."""
    packed = packing.pack(contribution.data) if packing else None
    if packed is None:
        function = abi.selector("report(int64[],uint64,uint256,address)")
        return function + key_arguments(contribution)
    author = int(contribution.author, 16)
    known = contribution.classification, contribution.time, author
    return abi.packed_call(abi.REPORT_PACKED, packed, *known)


def key_arguments(contribution: Contribution) -> bytes:
    """What names a contribution, as arguments of a call."""
    return encode(
        ["int64[]", "uint64", "uint256", "address"],
        [contribution.data, contribution.classification, contribution.time, contribution.author],
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
    if is_packed:
        data = packing.unpack(data) if packing else None
        if data is None:
            return None
    return Contribution(tuple(data), classification, label, time, to_checksum_address(author), cost)
