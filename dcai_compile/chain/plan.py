"""What a deployment will cost, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dcai_compile.artifact import Compiled
from dcai_compile.chain.deployer import has_deployer, plan_steps, steps_done
from dcai_compile.chain.journal import open_journal
from dcai_compile.chain.transactions import Fees, Transactions, current_fees
from dcai_compile.deploy import place
from dcai_compile.evm import fastest_evm
from dcai_compile.folder import artifact_digest

CREATE2_GAS = 6_000
"""More than the deployer contract and its calldata cost beside the creation itself."""


@dataclass(frozen=True)
class PlannedStep:
    """One transaction: what it does, about how much gas, and whether it is done already."""

    name: str
    kind: str
    gas: int
    done: bool


@dataclass(frozen=True)
class Plan:
    """All transactions of a deployment, and what a unit of gas costs now, at most."""

    steps: tuple[PlannedStep, ...]
    fees: Fees
    chain_id: int
    sender: str

    @property
    def gas(self) -> int:
        """Gas that is still to be paid for, about."""
        return sum(step.gas for step in self.steps if not step.done)

    @property
    def fee(self) -> int:
        """What that costs at most, in wei."""
        return self.gas * self.fees.max_fee

    @property
    def open_steps(self) -> int:
        """Number of transactions still to be sent."""
        return sum(not step.done for step in self.steps)


def plan_deployment(folder: Path, compiled: Compiled, transactions: Transactions) -> Plan:
    """Measure every creation on a test EVM, and ask the node for its price. Sends nothing.

    Raises `DeploymentMismatch` where the journal is of another artifact or account.
    """
    node = transactions.node
    digest, sender = artifact_digest(folder), transactions.signer.address
    journal = open_journal(folder, digest, transactions.chain_id, sender)
    if not journal.steps:
        journal.steps = plan_steps(compiled, has_deployer(node))
    gas = place(compiled, fastest_evm()).gas_by_step
    steps = []
    # What a journal says is done may have been undone since: the chain is asked.
    done_now = steps_done(compiled, transactions, journal)
    for step, done in zip(journal.steps, done_now, strict=True):
        measured = gas[step.name, step.kind == "transfer"]
        if step.kind == "create2":
            measured += CREATE2_GAS
        steps.append(PlannedStep(step.name, step.kind, measured, done))
    fees = current_fees(node, transactions.max_fee)
    return Plan(tuple(steps), fees, transactions.chain_id, sender)
