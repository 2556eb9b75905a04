"""A compiled system on a test EVM: ask it, teach it, take deposits back.

What the contracts refuse is raised as `TransactionRefused`, in words, and has changed nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile import abi, calls
from dcai_compile.artifact import Compiled
from dcai_compile.calls import ADDED_TOPICS, Contribution
from dcai_compile.deploy import place
from dcai_compile.errors import ChainError, InvalidOption
from dcai_compile.evm import CallResult, Evm, Log, fastest_evm
from dcai_compile.explain import explain_refusal
from dcai_compile.model import ClassLabel, class_index
from dcai_compile.packing import Packing
from dcai_compile.samples import single
from dcai_compile.system import is_fused

if TYPE_CHECKING:
    from dcai_compile.chain.audit import Audit

REFUND_TOPIC = abi.topic("Refund(address,uint256)")
REPORT_TOPIC = abi.topic("Report(address,uint256)")


class Deployment:
    """A system at its addresses on one EVM.

    Attributes
    ----------
    compiled : what stands there.
    evm : where.
    addresses : of each contract, by name.
    packs : whether samples are sent packed where the contract takes that.
    """

    def __init__(self, compiled: Compiled, evm: Evm, addresses: Mapping[str, str]) -> None:
        self.compiled = compiled
        self.evm = evm
        self.addresses = dict(addresses)
        self.packs = True

    @property
    def classifier(self) -> str:
        """Address of the model."""
        return self.addresses[self.compiled.main.name]

    @property
    def address(self) -> str:
        """Address that people know: the trainer's, or a bare classifier's."""
        trainer = self.compiled.trainer
        return self.classifier if trainer is None else self.addresses[trainer.name]

    @cached_property
    def data_handler(self) -> str:
        """Address of the data handler, which may be the same."""
        return self._part("dataHandler()")

    @cached_property
    def incentive_mechanism(self) -> str:
        """Address of the incentive mechanism, which may be the same."""
        return self._part("incentiveMechanism()")

    # Ask.

    def predict(self, X: Any) -> NDArray[Any]:
        """Class labels of raw samples, shape (n_samples,), as the chain predicts them now."""
        labels = np.array(self.compiled.integers.model.classes)
        found = [
            int.from_bytes(self._call(self.classifier, abi.sample_call(abi.PREDICT, sample)), "big")
            for sample in self.compiled.encode(X)
        ]
        return np.asarray(labels[found])

    def cost(self, ahead: int = 0) -> int:
        """The deposit in wei of a contribution `ahead` seconds after the latest block."""
        at = abi.word(self.evm.timestamp() + ahead)
        return self._number(self.incentive_mechanism, "getNextAddDataCost(uint256)", at)

    def contributions(self) -> list[Contribution]:
        """Everything that was ever added, by anyone, in order, from the chain's events."""
        events = self.evm.logs(self.address)
        return [self._contribution(log) for log in events if log.topics[0] in ADDED_TOPICS]

    def claimable(self, contribution: Contribution) -> int:
        """What is left of a contribution's deposit, in wei."""
        return self._claims(contribution)[1]

    def total_valid(self) -> int:
        """Validated contributions of everybody."""
        return self._number(self.incentive_mechanism, "totalGoodDataCount()", b"")

    def creator(self) -> str:
        """Who may take what is left of a deposit, and does so first."""
        getter = "owner()" if is_fused(self.compiled.options) else "creator()"
        output = self._call(self.incentive_mechanism, abi.selector(getter))
        return _address(output)

    def num_claims(self, contribution: Contribution) -> int:
        """How many claims a contribution has had, refund and reports together."""
        return self._claims(contribution)[2]

    def has_claimed(self, contribution: Contribution, account: str) -> bool:
        """Whether an account has claimed a contribution."""
        return bool(self._claims(contribution, account)[3])

    def num_valid(self, account: str) -> int:
        """Validated contributions of an account."""
        argument = abi.word(int(account, 16))
        return self._number(self.incentive_mechanism, "numValidForAddress(address)", argument)

    # Teach and claim.

    def add_data(
        self, x: Any, y: ClassLabel, *, sender: str | None = None, max_cost: int | None = None
    ) -> Contribution:
        """Teach one raw sample with its label, for a deposit.

        `max_cost` in wei goes along; what the deposit leaves of it comes back at once. By default it
        is the price at the latest block: enough, unless somebody else contributes in between.

        Where the contract takes packed samples, one is sent: for dense samples the nearest that has a
        packed form, which is what the model learns and `Contribution.data` tells; where bytes are packed, only
        what is whole is, and everything else goes as it is. `add_encoded` changes no sample.

        Raises `SampleOutOfRange` before, `TransactionRefused` instead of a transaction's effect.
        """
        (sample,) = self.compiled.encode(single(x))
        if self.compiled.packing is not None:
            sample = self.compiled.packing.rounded(sample)
        return self.add_encoded(
            sample, class_index(self.compiled.integers.model, y), sender=sender, max_cost=max_cost
        )

    def add_encoded(
        self,
        sample: list[int],
        classification: int,
        *,
        sender: str | None = None,
        max_cost: int | None = None,
    ) -> Contribution:
        """`add_data` of a sample and a class as the contract takes them; packed if that changes nothing."""
        self._require_trainer()
        value = self.cost() if max_cost is None else max_cost
        data = self.add_call(sample, classification)
        result = self._send(data, sender, value)
        for log in result.logs:
            if log.address == self.address and log.topics[0] in ADDED_TOPICS:
                return self._contribution(log)
        raise _odd("a transaction succeeded, and its event is missing")

    def refund(self, contribution: Contribution, *, sender: str | None = None) -> int:
        """Take the deposit back as its author; returns what was paid, in wei."""
        data = self.refund_call(contribution)
        return self._paid(self._send(data, sender or contribution.author), REFUND_TOPIC)

    def report(self, contribution: Contribution, *, sender: str | None = None) -> int:
        """Report a contribution that the model disagrees with; returns what was paid, in wei."""
        return self._paid(self._send(self.report_call(contribution), sender), REPORT_TOPIC)

    def predict_call(self, sample: Sequence[int]) -> bytes:
        """Calldata of a prediction."""
        return calls.predict(sample, self._packing)

    def add_call(self, sample: Sequence[int], classification: int) -> bytes:
        """Calldata of a contribution."""
        return calls.add(sample, classification, self._packing)

    def refund_call(self, contribution: Contribution) -> bytes:
        """Calldata of its refund."""
        return calls.refund(contribution)

    def report_call(self, contribution: Contribution) -> bytes:
        """Calldata of a report of it."""
        return calls.report(contribution)

    def wait(self, seconds: int) -> None:
        """Let the next transaction be `seconds` after the latest one."""
        self.evm.advance_time(seconds)

    # How.

    def audit(self, X: Any, y: Any) -> Audit:
        """What every contribution did to the accuracy on X, y; see `chain.audit.audit`."""
        from dcai_compile.chain.audit import audit

        return audit(self, X, y)

    def pull(self) -> Any:
        """The model as it stands on chain, an estimator of the original type; see `chain.pull`."""
        from dcai_compile.chain.pull import pulled

        return pulled(self)[0]

    @property
    def _packing(self) -> Packing | None:
        return self.compiled.packing if self.packs else None

    def _require_trainer(self) -> None:
        if self.compiled.trainer is None:
            raise InvalidOption(
                "a bare classifier takes no contributions",
                hint="compile with incentive='stakeable' or 'points'",
                option="incentive",
                value=None,
            )

    def _part(self, signature: str) -> str:
        self._require_trainer()
        return _address(self._call(self.address, abi.selector(signature)))

    def _claims(self, contribution: Contribution, account: str | None = None) -> list[int]:
        """Deposit, what is left of it, number of claims, and whether the account has claimed."""
        claimer = abi.word(int(account or contribution.author, 16))
        function = abi.selector("getContribution(bytes32,address)")
        output = self._call(self.data_handler, function + contribution.key + claimer)
        try:
            return abi.static_words(output, 256, 256, 256, 1)
        except ValueError:
            raise _odd("a call returned no record") from None

    def _number(self, address: str, signature: str, arguments: bytes) -> int:
        return int.from_bytes(self._call(address, abi.selector(signature) + arguments), "big")

    def _call(self, address: str, data: bytes) -> bytes:
        result = self.evm.call(address, data)
        if not result.success:
            raise self._refused(result)
        if len(result.output) < abi.WORD:
            raise _odd("a call returned nothing")
        return result.output

    def _send(self, data: bytes, sender: str | None, value: int = 0) -> CallResult:
        result = self.evm.send(self.address, data, sender=sender, value=value)
        if not result.success:
            raise self._refused(result)
        return result

    def _paid(self, result: CallResult, topic: bytes) -> int:
        """What a claim has paid, by the system's own event: who is paid may emit events, too."""
        for log in result.logs:
            if log.topics[0] == topic and log.address in self.addresses.values():
                return abi.static_words(log.data, 160, 256)[1]
        return 0  # points pay nothing

    def _refused(self, result: CallResult) -> ChainError:
        return explain_refusal(result.output, self.compiled.errors)

    def _contribution(self, log: Log) -> Contribution:
        model = self.compiled.integers.model
        contribution = calls.contribution_of(log, model.classes, self.compiled.packing)
        if contribution is None:
            raise _odd("an event is not what the contract emits")
        return contribution


def _address(output: bytes) -> str:
    try:
        return abi.address(*abi.static_words(output, 160))
    except ValueError:
        raise _odd("a call returned no address") from None


def _odd(what: str) -> ChainError:
    return ChainError(
        f"the chain's answer makes no sense: {what}",
        hint="the chain may have been reorganised, or the node be faulty: try again, or another node",
    )


def deploy(compiled: Compiled, evm: Evm | None = None, *, sender: str | None = None) -> Deployment:
    """Put a system on `evm`, a fresh test EVM by default. The sender is the model's creator."""
    machine = fastest_evm() if evm is None else evm
    return Deployment(compiled, machine, place(compiled, machine, sender=sender).addresses)
