"""Gas of every operation of a compiled system under a named set of chain rules.

Under Prague and Osaka everything is measured on a test EVM, where gas is exact; the two charge the same.
No test EVM knows Glamsterdam: there an operation is measured without a calldata floor, and what the
chain charges for slots, code, calldata and accounts is counted again at the new prices (`work.repriced`).

Every operation is measured after two contributions with refunds by two accounts, so that no counter
is zero, and for a sample of middle length among the calibration samples.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from dcai_compile import abi
from dcai_compile.calls import Contribution
from dcai_compile.costs import Costs
from dcai_compile.deploy import place
from dcai_compile.deployment import Deployment
from dcai_compile.errors import InvalidOption
from dcai_compile.evm import fastest_evm
from dcai_compile.incentives import HOUR, deposit_after
from dcai_compile.model import Mirror
from dcai_compile.rules import OSAKA, PRAGUE, Rules, calldata_gas, rules_of
from dcai_compile.system import is_modular
from dcai_compile.work import Work, repriced, state_charged

if TYPE_CHECKING:
    from dcai_compile.artifact import Compiled

CONVINCED = 2
"""Lessons that the right label is taught where a wrong one has convinced the model at once."""

MEASURED = "measured"
MODELLED = "modelled"


@dataclass(frozen=True)
class Operation:
    """What one operation costs.

    Attributes
    ----------
    name : of the operation.
    gas : in all, of all its transactions.
    how : ``"measured"`` or ``"modelled"``.
    transactions : how many; 0 for a prediction, which is free as a call.
    largest : gas of the largest of them that counts against a transaction's limit.
    data : calldata of its transactions; initcode for a deployment.
    """

    name: str
    gas: int
    how: str
    transactions: int
    largest: int
    data: bytes


@dataclass(frozen=True)
class GasQuote:
    """Operations of one system, and why its layout is as it is.

    Attributes
    ----------
    elements : of the sample that was priced.
    impossible : operations without a price, and why, in words.
    """

    contract: str
    rules: Rules
    elements: int
    operations: tuple[Operation, ...]
    impossible: dict[str, str]
    layout: tuple[str, ...]

    @property
    def over_limit(self) -> tuple[str, ...]:
        """Operations of which a transaction takes more gas than the chain allows one."""
        limit = self.rules.transaction_limit
        return tuple(
            entry.name
            for entry in self.operations
            if limit is not None and entry.transactions and entry.largest > limit
        )

    def to_dict(self) -> dict[str, Any]:
        """For programs: gas in whole units, sizes in bytes."""
        rows = []
        for entry in self.operations:
            facts = asdict(entry)
            facts["operation"] = facts.pop("name")
            facts["data_bytes"] = len(facts.pop("data"))
            rows.append(facts)
        return {
            "contract": self.contract,
            "rules": self.rules.name,
            "transaction_limit": self.rules.transaction_limit,
            "elements": self.elements,
            "operations": rows,
            "over_limit": list(self.over_limit),
            "impossible": self.impossible,
            "layout": list(self.layout),
        }


def gas_quote(compiled: Compiled, rules: str = OSAKA.name) -> GasQuote:
    """Price every operation. Raises `InvalidOption` for unknown rules and for what no model knows."""
    chain = rules_of(rules)
    if _models(chain) and is_modular(compiled.options):
        raise InvalidOption(
            f"rules={rules!r} has no test EVM, and of modular systems there is no cost model",
            hint="compile with layout='fused', or choose prague or osaka",
            option="rules",
            value=rules,
        )
    session = _Session(compiled, chain)
    session.run()
    return GasQuote(
        compiled.options.name,
        chain,
        len(session.sample),
        tuple(session.found),
        session.impossible,
        compiled.layout.reasons,
    )


def _models(rules: Rules) -> bool:
    return rules not in (PRAGUE, OSAKA)


class _Session:
    """A system on a test EVM, a mirror that is taught the same, and what was found."""

    def __init__(self, compiled: Compiled, rules: Rules) -> None:
        self.compiled, self.rules = compiled, rules
        self.costs = Costs(compiled)
        self.models = _models(rules)
        samples = sorted(compiled.examples, key=len)
        self.sample: list[int] = samples[len(samples) // 2].tolist()
        self.other: list[int] = samples[(len(samples) - 1) // 2].tolist()
        self.found: list[Operation] = []
        self.impossible: dict[str, str] = {}
        self.packs = False
        self.restart()

    def restart(self) -> None:
        """A fresh system."""
        self.evm = fastest_evm("cancun" if self.models else "prague")
        self.placed = place(self.compiled, self.evm)
        self.system = Deployment(self.compiled, self.evm, self.placed.addresses)
        self.system.packs = self.packs
        self.mirror: Mirror = self.compiled.new_mirror()

    def run(self) -> None:
        """Find the gas of everything that this system can do."""
        self.deploy()
        self.predict()
        if not self.compiled.layout.updatable:
            return
        if self.compiled.trainer is None:
            self.update()
            return
        self.contributions()
        packing = self.compiled.packing
        if packing is not None:
            self.packs = True
            self.sample, self.other = packing.rounded(self.sample), packing.rounded(self.other)
            self.contributions()

    def deploy(self) -> None:
        """Every contract, and handing them over."""
        gas, largest = 0, 0
        works = self.costs.deploy()
        for (name, handed_over), measured in self.placed.gas_by_step.items():
            step, state = measured, 0
            if self.models and not handed_over:
                step = repriced(works[name], self.rules, measured)
                state = 0 if self.rules.state_limited else state_charged(works[name], self.rules)
            gas += step
            largest = max(largest, step - state)
        data = b"".join(work.data for work in works.values())
        how = MODELLED if self.models else MEASURED
        steps = len(self.placed.gas_by_step)
        self.found.append(Operation("deploy", gas, how, steps, largest, data))

    def predict(self) -> None:
        """Execution alone: a prediction is asked for as a call."""
        work = self.costs.predict(self.mirror, self.sample)
        # At a fork without a calldata floor: execution is what is left.
        evm = fastest_evm("cancun")
        address = place(self.compiled, evm).addresses[self.compiled.main.name]
        result = evm.call(address, work.data)
        gas = result.gas_used - PRAGUE.transaction - calldata_gas(PRAGUE, work.data)
        how = MEASURED
        if self.models:
            gas, how = repriced(work, self.rules, gas), MODELLED
        self.found.append(Operation("predict", gas, how, 0, gas, work.data))

    def update(self) -> None:
        """A lesson by the owner of a bare classifier."""
        right = self.predicted(self.sample)
        for label, title in ((right, "right"), (self.wrong(right), "wrong")):
            self.restart()
            data = abi.update_call(self.sample, label)
            name = f"update {title}"
            result = self.evm.send(self.system.classifier, data)
            if not result.success:
                self.impossible[name] = abi.describe_revert(result.output, self.compiled.errors)
                continue
            self.note(name, result.gas_used, self.costs.update(self.mirror, self.sample, label))

    def contributions(self) -> None:
        """Adding, refunding and reporting, each from the same state."""
        options = self.compiled.options
        right = self.predicted(self.sample)
        wrong = self.wrong(right)
        if self.history():
            own = self.add("add_data right", right, 0)
            self.claim("refund", self.system.refund_call, own, 0, options.refund_wait + 1)
        if self.history():
            other = self.add("add_data wrong", wrong, 1)
            wait = options.owner_claim_wait + 1
            self.claim("report, all", self.system.report_call, other, 0, wait)
        self.share(right, wrong)

    def share(self, right: int, wrong: int) -> None:
        """A report that brings a part, of a model that was not convinced, or was taught better."""
        options = self.compiled.options
        name = "report, a share"
        wait = options.refund_wait + 1
        if wait + CONVINCED >= options.owner_claim_wait:
            self.impossible[name] = "the creator may take all before others may report"
            return
        if not self.history():
            return
        other = self.add("", wrong, 1)
        for _ in range(CONVINCED):
            if self.predicted(self.sample) == wrong:
                self.add("", right, 0, after=1)
        self.claim(name, self.system.report_call, other, 0, wait)

    def history(self) -> bool:
        """A fresh system of which no counter is zero; whether that worked."""
        self.restart()
        for account in (0, 1):
            lesson = self.add("", self.predicted(self.other), account, self.other)
            if lesson is None:
                return False
            wait = self.compiled.options.refund_wait + 1
            self.send("", self.system.refund_call(lesson), account, 0, wait)
        return True

    def add(
        self,
        name: str,
        label: int,
        account: int,
        sample: list[int] | None = None,
        after: int = HOUR,
    ) -> Contribution | None:
        """A contribution `after` seconds after the last transaction."""
        taken = self.sample if sample is None else sample
        value = deposit_after(self.compiled.options, after) if self.costs.takes_money else 0
        data = self.system.add_call(taken, label)
        gas = self.send(name, data, account, value, after)
        if gas is None:
            return None
        # What the contract takes, the mirror takes: they are proved to be the same.
        work = self.costs.add(self.mirror, taken, label)
        if self.packs:
            # The event has a time and a price where the call has four bytes of a selector.
            work = replace(work, events=((2, len(data) + 60),))
        self.note(name, gas, replace(work, data=data))
        return self.system.contributions()[-1]

    def claim(self, name: str, call: Any, of: Contribution | None, account: int, wait: int) -> None:
        """A refund or a report; none where there was no contribution."""
        if of is None:
            self.impossible[name] = "the contribution was refused"
            return
        data: bytes = call(of)
        gas = self.send(name, data, account, 0, wait)
        if gas is None:
            return
        costs, label = self.costs, of.classification
        work = {
            "refund": lambda: costs.refund(self.mirror, self.sample, label),
            "report, a share": lambda: costs.report_share(self.mirror, self.sample, label),
            "report, all": lambda: costs.report_all(self.sample, label),
        }[name]()
        self.note(name, gas, replace(work, data=data))

    def send(self, name: str, data: bytes, account: int, value: int, wait: int) -> int | None:
        """Gas of a transaction `wait` seconds after the last one; None for one that reverts."""
        self.evm.advance_time(wait)
        sender = self.evm.accounts[account]
        result = self.evm.send(self.system.address, data, sender=sender, value=value)
        if result.success:
            return result.gas_used
        reason = abi.describe_revert(result.output, self.compiled.errors)
        self.impossible[self.title(name or "contributions")] = reason
        return None

    def note(self, name: str, gas: int, work: Work) -> None:
        """Keep what an operation takes; one without a name is none."""
        if not name:
            return
        name = self.title(name)
        how = MEASURED
        if self.models:
            gas, how = repriced(work, self.rules, gas), MODELLED
        state = 0 if self.rules.state_limited else state_charged(work, self.rules)
        self.found.append(Operation(name, gas, how, 1, gas - state, work.data))

    def title(self, name: str) -> str:
        """The operation's name, and whether samples were packed."""
        return f"{name}, packed" if self.packs else name

    def predicted(self, sample: list[int]) -> int:
        """The class that the contract predicts."""
        result = self.evm.call(self.system.classifier, abi.sample_call(abi.PREDICT, sample))
        return int.from_bytes(result.output, "big")

    def wrong(self, right: int) -> int:
        """Another class."""
        return 1 if right == 0 else 0
