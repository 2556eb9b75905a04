"""What a chain charges: the gas of each kind of work, by the name of a rule set.

``prague``       Ethereum's mainnet from May 2025 on. A cold slot is read for 2,100 gas (EIP-2929),
                 rewritten for 5,000 and created for 22,100 in all (EIP-2200); code is kept for 200 a
                 byte, 24,576 bytes at most (EIP-170); calldata has a floor (EIP-7623).
``osaka``        the same prices, and at most 16,777,216 gas a transaction (EIP-7825).
``glamsterdam``  what is scheduled next, and may still change. State has a price of its own, 1,530 gas
                 a byte: 1,530 a byte of code and 97,920 a new slot (EIP-8037), and it does not count
                 against a transaction's limit. A write takes 10,000 beside the access (EIP-8038), the
                 calldata floor is 64 a byte, zero or not (EIP-7976), code may have 64 KiB (EIP-7954).
                 Accounts, value and the transaction itself are priced as on the test network
                 glamsterdam-devnet-8 of August 2026 (EIP-2780 and EIP-8038 as implemented there).

What is not known of Glamsterdam: whether these figures are final; whether computing is repriced
(EIP-7904 recommends nothing any more, so computing costs here what it costs on Osaka); and the limit
of initcode, which is taken for twice that of code, as it is today.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dcai_compile.errors import InvalidOption


@dataclass(frozen=True)
class Rules:
    """Prices in gas.

    Attributes
    ----------
    transaction, value_transaction : before anything is done, without and with money sent along.
    creation : of a contract, besides `code_byte`, with the transaction itself.
    creation_state : of the new account, on top; 0 where it has no price of its own.
    initcode_word : each 32 bytes of initcode.
    code_byte : each byte of code that stays.
    zero_byte, nonzero_byte : of calldata.
    floor_zero_byte, floor_nonzero_byte : of calldata, if nothing else costs more.
    access : the first touch of a slot in a transaction.
    rewrite : changing a slot that is not zero, on top.
    create, create_state : a slot that is zero, on top; the second is for the state that it adds.
    unchanged : writing what is there, on top.
    cleared : comes back for a slot that becomes zero.
    account : the first touch of an account in a transaction.
    payment : sending money from a contract, without what the receiver is given.
    log_byte, log_topic : of an event.
    transaction_limit : gas of a transaction at most, state apart; None: only the block's limit.
    state_limited : whether state counts against that limit, too.
    code_limit, initcode_limit : bytes of a contract.
    """

    name: str
    transaction: int
    value_transaction: int
    creation: int
    creation_state: int
    initcode_word: int
    code_byte: int
    zero_byte: int
    nonzero_byte: int
    floor_zero_byte: int
    floor_nonzero_byte: int
    access: int
    rewrite: int
    create: int
    create_state: int
    unchanged: int
    cleared: int
    account: int
    payment: int
    log_byte: int
    log_topic: int
    transaction_limit: int | None
    state_limited: bool
    code_limit: int
    initcode_limit: int


PRAGUE = Rules(
    name="prague",
    transaction=21_000,
    value_transaction=21_000,
    creation=53_000,
    creation_state=0,
    initcode_word=2,
    code_byte=200,
    zero_byte=4,
    nonzero_byte=16,
    floor_zero_byte=10,
    floor_nonzero_byte=40,
    access=2_100,
    rewrite=2_900,
    create=20_000,
    create_state=0,
    unchanged=100,
    cleared=4_800,
    account=2_600,
    payment=6_700,
    log_byte=8,
    log_topic=375,
    transaction_limit=None,
    state_limited=True,
    code_limit=24_576,
    initcode_limit=49_152,
)

OSAKA = replace(PRAGUE, name="osaka", transaction_limit=16_777_216)

GLAMSTERDAM = replace(
    OSAKA,
    name="glamsterdam",
    transaction=15_000,
    value_transaction=21_000,
    creation=24_000,
    creation_state=183_600,
    code_byte=1_530,
    floor_zero_byte=64,
    floor_nonzero_byte=64,
    rewrite=10_000,
    create=10_000,
    create_state=97_920,
    cleared=11_616,
    account=3_000,
    payment=9_000,
    state_limited=False,
    code_limit=65_536,
    initcode_limit=131_072,
)

RULES = {rules.name: rules for rules in (PRAGUE, OSAKA, GLAMSTERDAM)}


def rules_of(name: str) -> Rules:
    """The rule set of this name. Raises `InvalidOption`."""
    if name not in RULES:
        raise InvalidOption(
            f"rules={name!r} is no set of chain rules",
            hint=f"choose one of {', '.join(RULES)}",
            option="rules",
            value=name,
        )
    return RULES[name]


def calldata_gas(rules: Rules, data: bytes) -> int:
    """Gas of a transaction's calldata, the floor apart."""
    zeros = data.count(0)
    return rules.zero_byte * zeros + rules.nonzero_byte * (len(data) - zeros)


def calldata_floor(rules: Rules, data: bytes) -> int:
    """Least gas that a transaction's calldata costs, whatever is done with it."""
    zeros = data.count(0)
    return rules.floor_zero_byte * zeros + rules.floor_nonzero_byte * (len(data) - zeros)
