"""A contract and its mirror, taught alike and compared in everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dcai_compile import Compiled, abi
from dcai_compile.delta import CARRIED, NOT_ZERO, DeltaLayout
from dcai_compile.evm import CallResult, open_evms
from dcai_compile.model import Revert
from tests.models import learned_slots
from tests.test_contract import Deployed

SHOWN = 64
"""Parameters that are compared: those of the features that are taught, and their neighbours."""


class Pair(Deployed):
    """A contract and its mirror, taught alike."""

    def __init__(self, compiled: Compiled, evm: str = "revm") -> None:
        (machine,) = open_evms(evm)
        super().__init__(machine, compiled)
        self.mirror: Any = compiled.new_mirror()
        assert compiled.layout.delta is not None
        self.layout: DeltaLayout = compiled.layout.delta
        self.slots = learned_slots(compiled)

    def teach(self, sample: list[int], classification: int) -> CallResult:
        result = self.evm.send(self.address, abi.update_call(sample, classification))
        assert result.success, abi.describe_revert(result.output, self.compiled.abi)
        self.mirror.update_encoded(sample, classification)
        return result

    def refuse(self, sample: list[int], classification: int) -> Revert:
        """Both refuse a lesson alike, and nothing changes."""
        before = self.evm.storage_many(self.address, self.slots)
        with pytest.raises(Revert) as caught:
            self.mirror.update_encoded(sample, classification)
        result = self.evm.send(self.address, abi.update_call(sample, classification))
        assert not result.success
        assert result.output == self.error(caught.value.name, *caught.value.values)
        assert self.evm.storage_many(self.address, self.slots) == before
        self.compare_words()
        return caught.value

    def compare_words(self) -> None:
        """All of storage: a wide digit that came back to zero is zero there, too."""
        words = self.compiled.layout.words(self.mirror.state())
        assert set(words) <= set(self.slots)
        found = self.evm.storage_many(self.address, self.slots)
        expected = [words.get(slot, 0) for slot in self.slots]
        assert found == expected

    def compare(self, *samples: list[int]) -> None:
        """Storage, parameters, scores and classes."""
        self.compare_words()
        expected = self.mirror.parameters()[:SHOWN]
        asked = self.evm.call(self.address, abi.parameters_call(0, len(expected)))
        assert asked.output == abi.word(abi.WORD) + abi.int256_array(expected)
        wire = [np.array(sample, np.int64) for sample in samples]
        for sample, scores in zip(samples, self.mirror.scores(wire), strict=True):
            asked = self.evm.call(self.address, abi.sample_call(abi.SCORES, sample))
            assert asked.output == abi.word(abi.WORD) + abi.int256_array(scores)
            asked = self.evm.call(self.address, abi.sample_call(abi.PREDICT, sample))
            assert asked.output == abi.word(self.mirror.decide(scores))

    def flag(self, feature: int, row: int) -> int:
        """What the stored flags say of the slot of a lane; the right thing."""
        table, (slot, _) = self.layout.table, self.layout.place(feature, row)
        group = slot // self.layout.sharing
        place = group % self.layout.flags_per_slot
        word = self.evm.storage(self.address, self.layout.flags_at(slot))
        flag = word >> (self.layout.flags_shift + place * self.layout.flag_bits)
        flag &= self.layout.flag_mask
        near = range(max(0, feature - 64), min(table.features, feature + 65))
        there = [
            (f, r)
            for f in near
            for r in range(table.rows)
            if self.layout.place(f, r)[0] // self.layout.sharing == group
        ]
        parts = [table.digits.split(int(self.mirror.delta[lane])) for lane in there]
        low, wide = (any(part) for part in zip(*parts, strict=True))
        low |= wide and self.layout.sharing > 1
        assert flag == (NOT_ZERO if low else 0) | (CARRIED if wide else 0)
        return flag

    def put(self, feature: int, row: int, value: int) -> None:
        """As if lessons had brought a lane to `value`."""
        self.mirror.delta[feature, row] = value
        clean = dict.fromkeys(self.slots, 0)
        words = self.compiled.layout.words(self.mirror.state())
        self.evm.put_storage(self.address, clean | words)
