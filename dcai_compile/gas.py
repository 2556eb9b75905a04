"""What the longest sample costs, so that no deposit is ever locked by a sample too long.

`addData` takes whatever `update` takes; a refund or a report must then be able to pay for a
prediction of it in one transaction. The prediction is measured on a test EVM, where gas is exact,
for the heaviest samples that can be written, of a model of which everything has been taught so often
that it has carried, as what was taught has to be read as well. What a trainer adds is bounded from above.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from dcai_compile import abi
from dcai_compile.deploy import place
from dcai_compile.errors import CompilerPanic, GasLimitExceeded
from dcai_compile.evm import CALL_GAS, TX_GAS, LocalEvm, fastest_evm
from dcai_compile.model import Revert
from dcai_compile.rules import OSAKA

if TYPE_CHECKING:
    from dcai_compile.artifact import Compiled

CLAIM_GAS = 300_000
"""More than a refund or a report costs beside the prediction: records, reputation, payment."""

CLAIM_ELEMENT_GAS = 1_500
"""More than an element costs beside the prediction: calldata, key, three calls in a modular system."""


REPORT_WORDS = 8
"""More words than a report's calldata has beside the elements."""

FLOOR_GAS = {"dense": 1_280, "indices": 440, "pairs": 560}
"""Calldata floor of an element at most: 40 gas for each of its bytes that can be other than zero
(32 of a negative number, 4 of an index, 8 of a pair), 10 for the others."""


def affordable_length(compiled: Compiled, asked: int | None = None) -> int:
    """The longest sample, in elements, that every later call can afford.

    At least `max_length` of the encoding if the contract is sound as it is. Raises
    `GasLimitExceeded` where even the shortest sample costs too much, and where the model takes longer
    samples than it was `asked` to.
    """
    encoding = compiled.integers.encoding
    if not compiled.layout.updatable:
        return encoding.max_length  # a frozen model takes no sample at all
    gas = claim_gas(compiled, fastest_evm())
    if gas <= TX_GAS:
        return encoding.max_length
    # Most of the gas is in the elements; a tenth less leaves room for what is not.
    length = encoding.max_length * TX_GAS * 9 // (gas * 10)
    longest_known = max(len(sample) for sample in compiled.examples)
    stays = asked is not None and encoding.max_length > asked
    if not encoding.is_sparse or length < longest_known or length == 0 or stays:
        raise GasLimitExceeded(
            f"a refund of a sample of {encoding.max_length} elements takes {gas:,} gas, and a "
            f"transaction has {TX_GAS:,}",
            hint="train with fewer features or classes, or pass incentive=None for a classifier "
            "whose owner teaches it",
            gas=gas,
            limit=TX_GAS,
            length=encoding.max_length,
        )
    return length


def claim_gas(compiled: Compiled, evm: LocalEvm) -> int:
    """At least what a refund or a report of any sample costs, from the heaviest of them."""
    encoding = compiled.integers.encoding
    address = place(compiled, evm).addresses[compiled.main.name]
    evm.put_storage(address, _taught(compiled))
    highest = 0
    for sample in compiled.new_mirror().heavy_samples():
        result = evm.call(address, abi.sample_call(abi.PREDICT, sample))
        if not result.success and result.output:
            raise CompilerPanic(
                "the heaviest sample cannot be predicted: "
                + abi.describe_revert(result.output, compiled.abi)
            )
        used = result.gas_used if result.success else CALL_GAS
        used += _unread_wide_slots(compiled, sample) * OSAKA.access
        # A call passes 63 of 64 parts of its gas on: one call of a trainer, one of a wallet.
        used = used * 64 * 64 // (63 * 63)
        highest = max(highest, used + len(sample) * CLAIM_ELEMENT_GAS)
    # What calldata costs at least from Prague on, whatever is done with it (EIP-7623).
    floor = 21_000 + (encoding.max_length + REPORT_WORDS) * FLOOR_GAS[encoding.name]
    return max(highest + CLAIM_GAS, floor)


def _unread_wide_slots(compiled: Compiled, sample: Sequence[int]) -> int:
    """How many more slots of wide digits another sample of this length may read.

    Where all rows of a feature lie together, its wide digits may be in one slot or in two, and whoever
    writes a sample can choose the features.
    """
    delta, encoding = compiled.layout.delta, compiled.integers.encoding
    if delta is None or not delta.table.digits.carries or not encoding.is_sparse:
        return 0
    features = [feature for feature, _ in encoding.entries(sample)]
    read = {slot for feature in set(features) for slot in delta.wide_of(feature)}
    # Every place that a feature can have in a slot is among the first.
    first = range(min(delta.table.features, max(1, delta.group)))
    most = max(len(delta.wide_of(feature)) for feature in first)
    return min(delta.wide_slots, len(features) * most) - len(read)


def _taught(compiled: Compiled) -> dict[int, int]:
    """Storage of the model after lessons that touch every class, with every learned lane carried.

    A lane that has carried is read from two slots.
    """
    mirror = compiled.new_mirror()
    heavy = [list(dict.fromkeys(sample)) for sample in mirror.heavy_samples()]
    if not compiled.integers.encoding.is_counts:
        heavy = mirror.heavy_samples()
    lessons = [*heavy, *(sample.tolist() for sample in compiled.examples)]
    for classification in range(len(compiled.integers.model.classes)):
        for sample in lessons:
            # What cannot be taught, nobody can teach.
            with suppress(Revert):
                mirror.update_encoded(sample, classification)
    state = mirror.state()
    delta = compiled.layout.delta
    if delta is not None:
        digits = delta.table.digits
        carried = (1 << digits.low_bits) + 1 if digits.carries else 1
        state[delta.table.name] = np.full(delta.table.lanes, carried, object)
    return compiled.layout.words(state)
