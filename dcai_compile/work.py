"""What an operation does as far as a chain charges for it, and what it is charged.

An operation is described by `Work`: calldata, events, slots, accounts and code are counted exactly.
Computing is a sum of counts times constants that were fitted. `predicted_gas` prices both. Where an
operation was also measured, `repriced` keeps what was measured of computing, and changes only what the
chain charges for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dcai_compile.rules import PRAGUE, Rules, calldata_floor, calldata_gas
from dcai_compile.touches import Touches, state_gas, storage_gas

WARM_ACCOUNT = 100
"""Gas of an account that was touched before, on all chains."""

LOG = 375
"""Gas of an event beside its topics and bytes, on all chains."""


@dataclass(frozen=True)
class Work:
    """What an operation does, as far as a chain charges for it.

    Attributes
    ----------
    data : calldata, or initcode with its arguments.
    touches : the model's slots; `extra` has how many more a trainer accesses, rewrites, creates.
    computing : how much of what is computed, by the names of the constants.
    events : topics and bytes of each.
    accounts : cold accounts read.
    pays : times that a contract sends money.
    value : whether money is sent along.
    code : bytes of code that stay; None where nothing is created.
    called : asked as a call, which pays for neither transaction nor calldata.
    """

    data: bytes = b""
    touches: Touches = field(default_factory=Touches)
    extra: tuple[int, int, int] = (0, 0, 0)
    computing: Mapping[str, int] = field(default_factory=dict)
    events: tuple[tuple[int, int], ...] = ()
    accounts: int = 0
    pays: int = 0
    value: bool = False
    code: int | None = None
    called: bool = False


def charged(work: Work, rules: Rules) -> int:
    """Gas of everything but computing, the floor of calldata and what comes back left out."""
    accessed, rewritten, created = work.extra
    gas = storage_gas(rules, work.touches) + state_charged(work, rules)
    gas += rules.access * accessed + rules.rewrite * rewritten + rules.create * created
    gas += sum(
        LOG + rules.log_topic * topics + rules.log_byte * size for topics, size in work.events
    )
    gas += work.accounts * (rules.account - WARM_ACCOUNT) + work.pays * rules.payment
    if work.code is not None:
        gas += rules.initcode_word * (-(-len(work.data) // 32))
        if not rules.creation_state:
            gas += rules.code_byte * work.code
    return gas + (0 if work.called else _intrinsic(work, rules) + calldata_gas(rules, work.data))


def state_charged(work: Work, rules: Rules) -> int:
    """The part of `charged` that is for state, where it has a price of its own."""
    gas = state_gas(rules, work.touches) + rules.create_state * work.extra[2]
    if work.code is not None and rules.creation_state:
        gas += rules.creation_state + rules.code_byte * work.code
    return gas


def _intrinsic(work: Work, rules: Rules) -> int:
    if work.code is not None:
        return rules.creation
    return rules.value_transaction if work.value else rules.transaction


def _settled(work: Work, rules: Rules, gas: int) -> int:
    """Gas that is paid: less what cleared slots bring back (a fifth at most), at least the floor."""
    if work.called:
        return gas
    back = min(gas // 5, rules.cleared * len(work.touches.cleared))
    base = rules.value_transaction if work.value else rules.transaction
    return max(gas - back, base + calldata_floor(rules, work.data))


def computing_gas(work: Work, constants: Mapping[str, int]) -> int:
    """Gas of computing. A count without a constant costs nothing."""
    hundredths = sum(constants.get(name, 0) * count for name, count in work.computing.items())
    return (hundredths + 50) // 100


def predicted_gas(work: Work, rules: Rules, constants: Mapping[str, int]) -> int:
    """Gas of an operation that was not measured."""
    return _settled(work, rules, charged(work, rules) + computing_gas(work, constants))


def repriced(work: Work, rules: Rules, measured: int) -> int:
    """Gas of an operation under other rules than those of Prague, on which it took `measured` gas.

    `measured` is without the floor of calldata; what computing took is kept.
    """
    back = PRAGUE.cleared * len(work.touches.cleared)
    return _settled(work, rules, measured + back - charged(work, PRAGUE) + charged(work, rules))
