"""From gas to money: what an operation costs on a chain, or on an L2 that puts its data on one.

An L2 is paid for two things: executing, at its own gas price, and putting the transaction's data on
Ethereum. What is assumed of the second, plainly: the data is compressed before (here with zlib, level 9,
calldata and `ENVELOPE` bytes of signature, nonce and fees that do not compress), goes into blobs of which
every byte is paid for with one blob gas, and the L2 takes nothing on top. Real L2s compress many
transactions together (cheaper), and add margins of their own (dearer): an estimate, not a bill.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dcai_compile.errors import InvalidOption

if TYPE_CHECKING:
    from dcai_compile.gas_quote import GasQuote, Operation

GWEI = 10**9
ETHER = 10**18

ENVELOPE = 110
"""Bytes of a transaction beside its calldata: signature, nonce, fees, addresses."""

DEFAULT_GAS_PRICE = 1.0
DEFAULT_L2_GAS_PRICE = 0.001
DEFAULT_BLOB_PRICE = 0.001
"""In gwei; round numbers, not anybody's present price."""


@dataclass(frozen=True)
class Prices:
    """What gas and ether cost.

    Attributes
    ----------
    gas_price, l2_gas_price : gwei a unit of gas.
    l1_blob_price : gwei a byte of compressed data.
    eth_price : money for one ether, in any currency; None: not asked for.
    l2 : whether an L2 is asked for, too.

    Raises `InvalidOption` for a price that is negative or no number.
    """

    gas_price: float = DEFAULT_GAS_PRICE
    eth_price: float | None = None
    l2: bool = False
    l2_gas_price: float = DEFAULT_L2_GAS_PRICE
    l1_blob_price: float = DEFAULT_BLOB_PRICE

    def __post_init__(self) -> None:
        for option in ("gas_price", "eth_price", "l2_gas_price", "l1_blob_price"):
            value = getattr(self, option)
            if value is None and option == "eth_price":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _no_price(option, value)
            if not math.isfinite(value) or value < 0:
                raise _no_price(option, value)


def _no_price(option: str, value: object) -> InvalidOption:
    unit = "money for one ether" if option == "eth_price" else "gwei"
    return InvalidOption(
        f"{option}={value!r} is no price",
        hint=f"give a number from 0 on, in {unit}",
        option=option,
        value=value,
    )


def fee(gas: int, price: float) -> int:
    """Wei for `gas` at `price` gwei."""
    return gas * round(price * GWEI)


def data_bytes(data: bytes, transactions: int) -> int:
    """Bytes that an L2 is taken to put on Ethereum for this calldata."""
    return len(zlib.compress(data, 9)) + ENVELOPE * transactions if transactions else 0


def fees(quote: GasQuote, prices: Prices) -> dict[str, Any]:
    """The quote with fees, for programs: wei, ether, money, and on an L2 both parts."""
    facts = quote.to_dict()
    for row, entry in zip(facts["operations"], quote.operations, strict=True):
        row |= _fees(entry, prices)
    facts["prices"] = {
        "gas_price_gwei": prices.gas_price,
        "eth_price": prices.eth_price,
    }
    if prices.l2:
        facts["prices"] |= {
            "l2_gas_price_gwei": prices.l2_gas_price,
            "l1_blob_price_gwei": prices.l1_blob_price,
        }
    facts["assumptions"] = list(assumptions(quote, prices))
    return facts


def _fees(entry: Operation, prices: Prices) -> dict[str, Any]:
    # A call is asked for without a transaction.
    wei = fee(entry.gas, prices.gas_price) if entry.transactions else 0
    facts: dict[str, Any] = {"fee_wei": wei, **_money(wei, prices)}
    if prices.l2:
        size = data_bytes(entry.data, entry.transactions)
        executed = fee(entry.gas, prices.l2_gas_price) if entry.transactions else 0
        data = fee(size, prices.l1_blob_price)
        facts["l2"] = {
            "execution_wei": executed,
            "data_bytes": size,
            "data_wei": data,
            "fee_wei": executed + data,
            **_money(executed + data, prices),
        }
    return facts


def _money(wei: int, prices: Prices) -> dict[str, float]:
    facts = {"fee_eth": wei / ETHER}
    if prices.eth_price is not None:
        facts["money"] = wei / ETHER * prices.eth_price
    return facts


def assumptions(quote: GasQuote, prices: Prices) -> tuple[str, ...]:
    """What the figures rest on, in sentences."""
    found = [
        f"a sample of {quote.elements} elements, after two contributions with refunds",
        "a prediction is free as a call; its gas is what another contract would pay",
    ]
    if any(entry.how == "modelled" for entry in quote.operations):
        found.append(
            f"{quote.rules.name} is on no test EVM: computing is measured, the rest is counted at "
            "prices that may still change"
        )
    if prices.l2:
        found.append(
            f"on an L2: the same gas, and data compressed by zlib with {ENVELOPE} bytes beside the "
            "calldata, one blob gas a byte, without the L2's own margin"
        )
    return tuple(found)


def lines(quote: GasQuote, facts: Mapping[str, Any]) -> list[str]:
    """What stands below the table for people: limits, what is impossible, why this layout."""
    found = [f"assumed: {text}" for text in facts["assumptions"]]
    limit = quote.rules.transaction_limit
    for entry in quote.operations:
        if limit is not None and entry.transactions and entry.gas > limit:
            apart = "" if quote.rules.state_limited else ", state apart"
            found.append(
                f"{entry.name}: {entry.gas:,} gas is more than a transaction's {limit:,}; it is sent as "
                f"{entry.transactions}, of which the largest takes {entry.largest:,}{apart}"
            )
    found += [f"{name}: one transaction is over the limit" for name in quote.over_limit]
    found += [f"{name}: not possible here, {why}" for name, why in quote.impossible.items()]
    return [*found, *(f"layout: {reason}" for reason in quote.layout)]
