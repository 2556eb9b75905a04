"""Incentive mechanisms: their rules' contracts, their settings, and what they mean in words.

The rules themselves are Solidity, in `contracts/incentives/`. Here stands what a compiled system
passes to them, and what a person should know before teaching a model for money.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import isqrt
from typing import Any, ClassVar

from dcai_compile.errors import InvalidOption
from dcai_compile.model import Options

HOUR = 3600
UINT32_MAX = (1 << 32) - 1

MIN_COST_WEIGHT = 1_193_047
MAX_COST_WEIGHT = ((1 << 80) - 1) // HOUR
"""In wei: with less a deposit could be 0 some day, with more it would not fit in a record."""

LAYOUTS = ("fused", "modular")


@dataclass(frozen=True)
class Argument:
    """One constructor argument: a value, or the address of the contract `value` of the same system."""

    type: str
    value: Any
    is_contract: bool = False


@dataclass(frozen=True)
class Setting:
    """One setting of a mechanism: the Solidity function that says what it is, its type and value.

    A fused contract overrides the function, a mechanism of its own takes the value as an argument.
    """

    function: str
    type: str
    value: int

    @property
    def literal(self) -> str:
        """The value in Solidity, whose booleans are lower case."""
        return str(self.value).lower()


class Incentive(ABC):
    """One incentive mechanism.

    Attributes
    ----------
    name : the value of the option `incentive`.
    rules : the contract in ``contracts/incentives/`` that holds the rules.
    modular : the contract in ``contracts/`` that is the rules as a contract of their own.
    takes_money : whether a contribution costs a deposit.
    """

    name: ClassVar[str]
    rules: ClassVar[str]
    modular: ClassVar[str]
    takes_money: ClassVar[bool]

    def check(self, options: Options) -> None:
        """Refuse settings that the contract would refuse, or that make no sense; `InvalidOption`."""
        waits = (options.refund_wait, options.owner_claim_wait, options.any_address_claim_wait)
        names = ("refund_wait", "owner_claim_wait", "any_address_claim_wait")
        for name, wait, least in zip(names, waits, (1, *waits[:2]), strict=True):
            if type(wait) is not int or not least <= wait <= UINT32_MAX:
                raise InvalidOption(
                    f"{name}={wait!r} is not a number of seconds from {least} to {UINT32_MAX}",
                    hint="the waits happen in this order: refund_wait, owner_claim_wait, "
                    "any_address_claim_wait; the first is at least 1 s",
                    option=name,
                    value=wait,
                )
        _require_bool(
            "open_claims",
            options.open_claims,
            "True lets anybody take what is left in the end, as DCAI does",
        )

    def settings(self, options: Options) -> tuple[Setting, ...]:
        """What the contracts must know, in the order of the arguments of `modular`."""
        return (
            Setting("_refundWait", "uint32", options.refund_wait),
            Setting("_ownerClaimWait", "uint32", options.owner_claim_wait),
            Setting("_anyAddressClaimWait", "uint32", options.any_address_claim_wait),
            Setting("_openClaims", "bool", options.open_claims),
        )

    @abstractmethod
    def words(self, options: Options) -> tuple[str, ...]:
        """What a contribution costs and who gets what, in sentences."""


class Stakeable(Incentive):
    """Deposit, refund, take."""

    name = "stakeable"
    rules = "StakeableRules"
    modular = "Stakeable64"
    takes_money = True

    def check(self, options: Options) -> None:
        super().check(options)
        weight = options.cost_weight
        if type(weight) is not int or not MIN_COST_WEIGHT <= weight <= MAX_COST_WEIGHT:
            raise InvalidOption(
                f"cost_weight={weight!r} is not a whole number of wei from {MIN_COST_WEIGHT} to "
                f"{MAX_COST_WEIGHT}",
                hint="a contribution an hour after another costs 60 times as much; for "
                "contributions without money choose incentive='points'",
                option="cost_weight",
                value=weight,
            )

    def settings(self, options: Options) -> tuple[Setting, ...]:
        return (*super().settings(options), Setting("_costWeight", "uint256", options.cost_weight))

    def words(self, options: Options) -> tuple[str, ...]:
        prices = [
            f"{ether(deposit_after(options, seconds))} {when}"
            for seconds, when in (
                (1, "right after another one"),
                (HOUR, "an hour later"),
                (24 * HOUR, "a day later"),
            )
        ]
        return (
            f"a contribution costs a deposit of {', '.join(prices)}",
            f"its author gets it back {duration(options.refund_wait)} later, if the model then agrees",
            "if it does not, others with a validated contribution take shares of it",
            f"after {duration(options.owner_claim_wait)} the creator may take what is left, after "
            f"{duration(options.any_address_claim_wait)} {_others(options)}",
        )


class Points(Incentive):
    """Gamified, no money."""

    name = "points"
    rules = "PointsRules"
    modular = "Points64"
    takes_money = False

    def words(self, options: Options) -> tuple[str, ...]:
        return (
            "a contribution costs nothing but gas; money sent along comes back",
            f"its author gains a point {duration(options.refund_wait)} later, if the model then agrees",
            "if it does not, others with a point may report it, which closes it",
            f"after {duration(options.owner_claim_wait)} the creator may report it whatever the model "
            f"predicts, after {duration(options.any_address_claim_wait)} {_others(options)}",
        )


INCENTIVES: dict[str, Incentive] = {entry.name: entry for entry in (Stakeable(), Points())}


def incentive_of(options: Options) -> Incentive | None:
    """The incentive mechanism of a system, None for a bare classifier. Raises `InvalidOption`."""
    if options.incentive is None:
        return None
    if options.incentive not in INCENTIVES:
        raise InvalidOption(
            f"incentive={options.incentive!r} is unknown",
            hint=f"choose one of {', '.join(map(repr, INCENTIVES))}, or None for a bare classifier",
            option="incentive",
            value=options.incentive,
        )
    return INCENTIVES[options.incentive]


def check_system(options: Options) -> None:
    """Refuse settings of the system around the model that make no sense. Raises `InvalidOption`."""
    if options.layout not in LAYOUTS:
        raise InvalidOption(
            f"layout={options.layout!r} is unknown",
            hint=f"choose one of {', '.join(map(repr, LAYOUTS))}",
            option="layout",
            value=options.layout,
        )
    hint = "pass packed=False for a contract with DCAI's calls alone"
    _require_bool("packed", options.packed, hint)
    incentive = incentive_of(options)
    if incentive is not None:
        incentive.check(options)


def _require_bool(option: str, value: object, hint: str) -> None:
    if type(value) is not bool:
        raise InvalidOption(
            f"{option}={value!r} is neither True nor False", hint=hint, option=option, value=value
        )


def deposit_after(options: Options, seconds: int) -> int:
    """The deposit in wei of a contribution `seconds` after the last one, under Stakeable."""
    return options.cost_weight * HOUR // max(1, isqrt(seconds))


def highest_deposit(options: Options) -> int:
    """The deposit in wei of a contribution right after another one: none is ever higher."""
    incentive = incentive_of(options)
    return deposit_after(options, 1) if incentive is not None and incentive.takes_money else 0


def ether(wei: int) -> str:
    """An amount of wei in ether, to three digits."""
    return f"{wei / 10**18:.3g} ETH"


def duration(seconds: int) -> str:
    """A number of seconds in the largest unit that it is a whole number of."""
    for size, unit in ((24 * HOUR, "day"), (HOUR, "hour"), (60, "minute")):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{seconds} s"


def _others(options: Options) -> str:
    if options.open_claims:
        return "anybody may, its author included"
    return "any other address with a validated contribution may"
