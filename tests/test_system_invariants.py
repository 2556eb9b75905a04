"""Random contributions, refunds and reports on fused and modular at once, against the oracle.

After every operation, accepted or refused: both layouts did what the oracle says, everybody's
money is where it says, the trainer holds exactly what is claimable, and the model's storage is
the mirror's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dcai_compile import abi
from dcai_compile.calls import Contribution
from dcai_compile.deployment import Deployment
from dcai_compile.errors import ChainError
from dcai_compile.evm import fastest_evm
from tests import systems
from tests.oracle import Entry, Oracle, Refused

CLAIM_TOPICS = [
    abi.topic(f"{name}({types})")
    for name in ("Refund", "Report")
    for types in ("address", "address,uint256")
]
ANYONE = st.integers(0, 4)
DATA = st.lists(st.integers(0, systems.WORDS - 1), max_size=3, unique=True).map(tuple)
WAITS = st.sampled_from([1, 2, 10, 60, 3600, 10**7])
EDGES = st.sampled_from([systems.REFUND_WAIT, systems.OWNER_WAIT, systems.ANY_WAIT])
GOOD = (0, 1)
CROWD = st.lists(ANYONE, min_size=1, max_size=4)


class Machine(RuleBasedStateMachine):
    """Two systems in lockstep; accounts[0] is the creator of both."""

    options: ClassVar[dict[str, Any]] = {}
    operations: ClassVar[int] = 0

    @initialize(known=st.integers(0, 3))
    def begin(self, known: int) -> None:
        modular = systems.system("modular", **self.options).deploy(fastest_evm())
        fused_evm = fastest_evm()
        # The price depends on when the incentive began, which is the third deployment of modular.
        fused_evm.advance_time(3)
        fused = systems.system("fused", **self.options).deploy(fused_evm)
        self.both = (fused, modular)
        self.now = modular.evm.timestamp()
        fused.wait(self.now - fused.evm.timestamp() + 100)
        modular.wait(100)
        self.accounts = fused.evm.accounts
        self.ahead = 100
        compiled = fused.compiled
        born = self.now - 4  # trainer and three owners came after it
        self.oracle = Oracle(compiled.new_mirror(), compiled.options, self.accounts[0], born)
        self.funds = {a: fused.evm.balance(a) for a in self.accounts}
        self.known: list[tuple[Entry, tuple[Contribution, Contribution]]] = []
        for sender in range(1, 1 + known):
            self.earn(sender)

    def next_second(self) -> int:
        """The time of the block that the next transaction will be in."""
        self.now += max(1, self.ahead)
        self.ahead = 0
        type(self).operations += 1
        return self.now

    @rule(data=DATA, label=st.integers(0, 2), sender=ANYONE, over=st.integers(-1, 1))
    def add(self, data: tuple[int, ...], label: int, sender: int, over: int) -> None:
        account = self.accounts[sender]
        now = self.next_second()
        value = max(0, self.oracle.cost(now) + over)
        entry: Entry | None = None
        refusal = ""
        try:
            entry = self.oracle.add(data, label, account, value, value, now)
        except Refused as refused:
            refusal = str(refused)
        found = []
        # Every second one goes packed into the contract that takes it so.
        self.both[0].packs = len(self.known) % 2 == 0
        for system in self.both:
            found.append(
                self.outcome(system.add_encoded, list(data), label, sender=account, max_cost=value)
            )
        if entry is None:
            assert found == [refusal, refusal]
        else:
            fused, modular = found
            assert isinstance(fused, Contribution) and isinstance(modular, Contribution)
            assert (fused.packed is not None) == self.both[0].packs
            assert modular.packed is None
            for contribution in (fused, modular):
                expected = (
                    entry.data,
                    entry.classification,
                    entry.time,
                    entry.author,
                    entry.deposit,
                )
                assert expected == (
                    contribution.data,
                    contribution.classification,
                    contribution.time,
                    contribution.author,
                    contribution.deposit,
                )
            assert replace(fused, packed=None) == modular
            self.known.append((entry, (fused, modular)))
        self.compare()

    @rule(seconds=WAITS)
    def wait(self, seconds: int) -> None:
        self.ahead += seconds
        for system in self.both:
            system.wait(seconds)

    @precondition(lambda self: self.known)
    @rule(
        which=st.integers(0, 2),
        edge=EDGES,
        off=st.integers(-1, 1),
        senders=CROWD,
    )
    def claim_at_the_edge(self, which: int, edge: int, off: int, senders: list[int]) -> None:
        """Some claim one after the other, the first of them around the end of a wait."""
        number = which % len(self.known)
        entry, _ = self.known[-1 - number]
        seconds = entry.time + edge + off - (self.now + self.ahead)
        if seconds > 0:
            self.wait(seconds)
        for sender in senders:
            self.report(number, sender)
        self.refund(number, 1, 0)

    @rule(sender=ANYONE)
    def earn(self, sender: int) -> None:
        """Something that the model agrees with, refunded as soon as possible."""
        self.add(GOOD, self.oracle.prediction(GOOD), sender, 0)
        self.wait(systems.REFUND_WAIT)
        self.refund(0, 1, sender)

    @rule(data=DATA, sender=ANYONE)
    def mislead(self, data: tuple[int, ...], sender: int) -> None:
        """Something that the model does not agree with, not before it at least."""
        if data:
            self.add(data, 1 - self.oracle.prediction(data), sender, 1)

    @precondition(lambda self: self.known)
    @rule(which=st.integers(0, 5), own=st.integers(0, 3), sender=ANYONE)
    def refund(self, which: int, own: int, sender: int) -> None:
        entry, contributions = self.known[-1 - which % len(self.known)]
        account = self.accounts[sender] if own == 0 else entry.author
        now = self.next_second()
        expected = self.expected(self.oracle.refund, entry, account, now)
        for system, contribution in zip(self.both, contributions, strict=True):
            assert self.outcome(system.refund, contribution, sender=account) == expected
        self.compare(entry, contributions)

    @precondition(lambda self: self.known)
    @rule(which=st.integers(0, 5), sender=ANYONE)
    def report(self, which: int, sender: int) -> None:
        entry, contributions = self.known[-1 - which % len(self.known)]
        account = self.accounts[sender]
        now = self.next_second()
        expected = self.expected(self.oracle.report, entry, account, now)
        for system, contribution in zip(self.both, contributions, strict=True):
            assert self.outcome(system.report, contribution, sender=account) == expected
        self.compare(entry, contributions)

    def expected(self, ask: Any, *values: Any) -> int | str:
        """What the oracle says: an amount, or the name of an error."""
        try:
            return int(ask(*values))
        except Refused as refused:
            return str(refused)

    def outcome(self, do: Any, *values: Any, **more: Any) -> Any:
        """What a system answers: a result, or the name of an error."""
        try:
            return do(*values, **more)
        except ChainError as error:
            return getattr(error, "error", "") or str(error)

    def compare(
        self, entry: Entry | None = None, contributions: tuple[Contribution, ...] = ()
    ) -> None:
        oracle = self.oracle
        for number, system in enumerate(self.both):
            self.compare_money(system)
            assert self.number(system, "totalSubmitted()") == oracle.submitted
            assert self.number(system, "totalGoodDataCount()") == sum(oracle.valid.values())
            words = system.compiled.layout.words(oracle.mirror.state())
            stored = system.evm.storage_many(system.classifier, list(words))
            assert stored == list(words.values())
            if entry is not None:
                self.compare_entry(system, entry, contributions[number])

    def compare_money(self, system: Deployment) -> None:
        oracle = self.oracle
        assert system.evm.balance(system.address) == oracle.balance
        for account in self.accounts[:5]:
            expected = self.funds[account] - oracle.paid_in[account] + oracle.paid_out[account]
            assert system.evm.balance(account) == expected
            assert system.num_valid(account) == oracle.valid[account]

    def compare_entry(self, system: Deployment, entry: Entry, contribution: Contribution) -> None:
        for account in self.accounts[:5]:
            found = abi.selector("getContribution(bytes32,address)") + contribution.key
            answer = system.evm.call(system.data_handler, found + abi.word(int(account, 16))).output
            assert abi.static_words(answer, 256, 256, 256, 1) == [
                entry.deposit,
                entry.claimable,
                len(entry.claimed),
                account in entry.claimed,
            ]

    def compare_getters(self, system: Deployment, entry: Entry, contribution: Contribution) -> None:
        """DCAI's getters, which know what came as an array."""
        types = "(int64[],uint64,uint256,address"
        call, to = system.evm.call, system.data_handler
        # The array is behind four words, or behind five where an account follows.
        key = list(map(abi.word, (0x80, entry.classification, entry.time, int(entry.author, 16))))
        data = abi.int64_array(entry.data)
        unknown = abi.selector("ContributionUnknown(bytes32)")
        unknown += replace(contribution, packed=None).key
        for name, expected in (
            ("getClaimableAmount", entry.claimable),
            ("getInitialDeposit", entry.deposit),
            ("getNumClaims", len(entry.claimed)),
        ):
            answer = call(to, abi.selector(f"{name}{types})") + b"".join(key) + data).output
            if contribution.packed is None:
                assert int.from_bytes(answer, "big") == expected
            else:
                assert answer == unknown
        key[0] = abi.word(0xA0)
        has_claimed = abi.selector(f"hasClaimed{types},address)") + b"".join(key)
        for account in self.accounts[:5]:
            answer = call(to, has_claimed + abi.word(int(account, 16)) + data).output
            if contribution.packed is None:
                assert bool(answer[-1]) == (account in entry.claimed)
            else:
                assert answer == unknown

    def teardown(self) -> None:
        """The same events and the same predictions, whether the parts are one contract or four."""
        if not hasattr(self, "both"):
            return
        for entry, contributions in self.known:
            for system, contribution in zip(self.both, contributions, strict=True):
                self.compare_getters(system, entry, contribution)
        fused, modular = self.both
        parts = [modular.address, modular.incentive_mechanism]
        # Packed or not in one, DCAI's arrays in the other: the same contributions.
        added = [system.contributions() for system in self.both]
        assert added[0] == [contributions[0] for _, contributions in self.known]
        assert added[1] == [replace(contribution, packed=None) for contribution in added[0]]
        for topic in CLAIM_TOPICS:
            one = [log.data for log in fused.evm.logs(fused.address) if log.topics[0] == topic]
            four = [
                log.data
                for part in parts
                for log in modular.evm.logs(part)
                if log.topics[0] == topic
            ]
            assert one == four
        paid = [log for log in fused.evm.logs(fused.address) if log.topics[0] in CLAIM_TOPICS]
        assert len(paid) == sum(len(entry.claimed) for entry, _ in self.known)
        samples = np.eye(systems.WORDS)
        expected = self.oracle.mirror.predict(samples).tolist()
        assert [system.predict(samples).tolist() for system in self.both] == [expected, expected]

    def number(self, system: Deployment, signature: str) -> int:
        result = system.evm.call(system.incentive_mechanism, abi.selector(signature))
        return int.from_bytes(result.output, "big")


def run(machine: type[Machine], number: int, examples: int) -> None:
    """Random operations from one seed; an AssertionError is what they found."""
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=examples,
            stateful_step_count=60,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(
    "options",
    [
        {"incentive": "stakeable"},
        {"incentive": "stakeable", "open_claims": True},
        {"incentive": "points"},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_random_operations(options: dict[str, Any], number: int) -> None:
    """Nine seeds, more than two thousand operations each, every one of them on both layouts."""
    machine = type("Seeded", (Machine,), {"options": options, "operations": 0})
    # Three seeds together are as many as a broken rule is given to be noticed in.
    run(machine, number, examples=50)
    assert machine.operations >= 2_000
