"""What is measured on a workload, and how: each operation from the same state, in a fresh transaction.

Account 0, then account 1, each adds the history sample with the label predicted at that moment,
3,600 seconds after the last transaction, and takes the refund 16 seconds later, so that no counter is
zero. Then `addData` 3,600 seconds after the last one with exactly the deposit; a refund 16 seconds
later; a report 17 seconds later by account 0 (a share) or 25 seconds later (all). Right labels come from
account 0, wrong ones from account 1. Where a wrong label convinces the model at once, the right one is
taught in the seconds that follow, until a share can be reported. A prediction is measured on a model without
history: the published figures of counting models leave no room for reading a single learned slot.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.workloads import Lesson, Workload
from dcai_compile import Compiled, abi
from dcai_compile.calls import Contribution
from dcai_compile.deploy import Placed, place
from dcai_compile.deployment import Deployment
from dcai_compile.evm import LocalEvm, open_evms
from dcai_compile.incentives import deposit_after

HOUR = 3_600
REFUND_AFTER = 16
SHARE_AFTER = 17
ALL_AFTER = 25
PATIENCE = 8
"""Right labels that a model which was convinced of a wrong one is given at most."""
NONZERO_BYTE, ZERO_BYTE, TRANSACTION = 16, 4, 21_000


class Measured:
    """A fresh system with its history, on an EVM of its own."""

    def __init__(
        self,
        compiled: Compiled,
        workload: Workload,
        entry: str,
        fork: str = "prague",
        history: bool = True,
    ) -> None:
        evm = open_evms("revm", fork=fork)[0]
        assert isinstance(evm, LocalEvm)
        self.evm = evm
        self.placed: Placed = place(compiled, evm)
        self.system = Deployment(compiled, evm, self.placed.addresses)
        self.system.packs = entry == "packed"
        for account in (0, 1) if history else ():
            sample = list(workload.history)
            _, lesson = self.add(sample, self.predicted(sample), account)
            self.claim(self.system.refund_call(lesson), account, REFUND_AFTER)

    def predicted(self, sample: list[int]) -> int:
        """The class that the contract predicts."""
        result = self.evm.call(self.system.classifier, abi.sample_call(abi.PREDICT, sample))
        return int.from_bytes(result.output, "big")

    def add(
        self, sample: list[int], label: int, account: int, after: int = HOUR
    ) -> tuple[int, Contribution]:
        """Gas and record of a contribution with exactly the deposit."""
        self.evm.advance_time(after)
        data = self.system.add_call(sample, label)
        gas = self._send(data, account, deposit_after(self.system.compiled.options, after))
        return gas, self.system.contributions()[-1]

    def claim(self, data: bytes, account: int, after: int) -> int:
        """Gas of a refund or a report that succeeds."""
        self.evm.advance_time(after)
        return self._send(data, account, 0)

    def execution(self, data: bytes) -> int:
        """Gas of a call beside what every transaction pays and its calldata."""
        result = self.evm.call(self.system.classifier, data)
        assert result.success
        zeros = data.count(0)
        calldata = ZERO_BYTE * zeros + NONZERO_BYTE * (len(data) - zeros)
        return result.gas_used - TRANSACTION - calldata

    def _send(self, data: bytes, account: int, value: int) -> int:
        sender = self.evm.accounts[account]
        result = self.evm.send(self.system.address, data, sender=sender, value=value)
        assert result.success, abi.describe_revert(result.output, self.system.compiled.errors)
        return result.gas_used


def measure(workload: Workload, layout: str, entry: str = "abi") -> dict[tuple[str, str], int]:
    """Gas by (workload or sample, operation), through DCAI's ABI or with packed samples.

    As with the prototypes, a contract that takes packed samples is another one than one that does not.
    """
    compiled = workload.compile(layout=layout, packed=entry == "packed")
    return measure_compiled(compiled, workload, entry=entry)


def measure_compiled(
    compiled: Compiled, workload: Workload, rules: str = "prague", entry: str = "abi"
) -> dict[tuple[str, str], int]:
    """The same of what was compiled before, at the fork `rules`; cancun is without a calldata floor."""

    def fresh(fork: str = rules, history: bool = True) -> Measured:
        return Measured(compiled, workload, entry, fork, history)

    found = {(workload.name, "deploy everything"): fresh().placed.gas_used}
    for name, lesson in workload.samples.items():
        for operation, gas in _operations(
            fresh, _sample(compiled, lesson, entry), lesson.right
        ).items():
            found[name, operation] = gas
    return found


def _sample(compiled: Compiled, lesson: Lesson, entry: str) -> list[int]:
    """The sample, or the nearest that has a packed form."""
    if entry == "abi":
        return list(lesson.data)
    assert compiled.packing is not None
    return compiled.packing.rounded(lesson.data)


def _operations(
    fresh: Callable[..., Measured], sample: list[int], known: int | None
) -> dict[str, int]:
    # Without a floor on calldata, which is no part of what a call executes.
    asked = fresh("cancun", history=False)
    right = asked.predicted(sample) if known is None else known
    assert right == asked.predicted(sample)
    wrong = 1 if right == 0 else 0
    found = {}
    system = fresh()
    found["addData wrong"], reported = system.add(sample, wrong, 1)
    share = fresh()
    share.add(sample, wrong, 1)
    waited = 0
    while share.predicted(sample) == wrong and waited < PATIENCE:  # it was convinced at once
        waited += 1
        share.add(sample, right, 0, after=1)
    good = fresh()
    found["addData right"], own = good.add(sample, right, 0)
    found["refund"] = good.claim(good.system.refund_call(own), 0, REFUND_AFTER)
    report = system.system.report_call(reported)
    found["report, all"] = system.claim(report, 0, ALL_AFTER)
    found["report, share"] = share.claim(report, 0, SHARE_AFTER - waited)
    found["predict exec"] = asked.execution(asked.system.predict_call(sample))
    return found
