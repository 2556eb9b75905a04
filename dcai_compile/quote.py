"""What a system costs, before anything is sent: gas measured on a test EVM, deposits in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dcai_compile import abi
from dcai_compile.deploy import place
from dcai_compile.evm import TX_GAS, Evm, fastest_evm
from dcai_compile.gas import claim_gas
from dcai_compile.incentives import deposit_after, incentive_of

if TYPE_CHECKING:
    from dcai_compile.artifact import Compiled


def quote(compiled: Compiled) -> dict[str, Any]:
    """Title and value of each fact, for people and programs.

    Gas is that of a fresh system and a sample of middle length among the calibration samples; what
    a claim of the longest sample costs is an upper bound.
    """
    evm = fastest_evm()
    placed = place(compiled, evm)
    samples = sorted(compiled.examples, key=len)
    sample = samples[len(samples) // 2]
    predicted = evm.call(placed.addresses[compiled.main.name], abi.sample_call(abi.PREDICT, sample))
    facts: dict[str, Any] = {
        "contract": compiled.options.name,
        "deploy gas": f"{placed.gas_used:,}",
        f"predict gas ({len(sample)} elements)": f"{predicted.gas_used:,}, free as a call",
    }
    incentive = incentive_of(compiled.options)
    trainer = compiled.trainer
    if incentive is None or trainer is None:
        return facts
    if compiled.layout.updatable:
        facts[f"addData gas ({len(sample)} elements)"] = _add_gas(
            compiled, evm, placed.addresses[trainer.name], sample
        )
        facts["longest sample"] = (
            f"{compiled.integers.encoding.max_length} elements: a claim takes at most "
            f"{claim_gas(compiled, fastest_evm()):,} of a transaction's {TX_GAS:,} gas"
        )
        facts["deposits"] = list(incentive.words(compiled.options))
    else:
        facts["deposits"] = ["none: this model is frozen, and takes no contributions"]
    return facts


def _add_gas(compiled: Compiled, evm: Evm, trainer: str, sample: Any) -> str:
    """Of the label that costs more: one that changes the model, where one does."""
    highest = 0
    value = deposit_after(compiled.options, 0)
    for classification in range(len(compiled.integers.model.classes)):
        result = evm.send(trainer, abi.add_data_call(sample, classification), value=value)
        if result.success:
            highest = max(highest, result.gas_used)
    return f"{highest:,}"
