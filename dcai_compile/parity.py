"""One test EVM beside the mirror: the same calls to both, and every difference written down."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dcai_compile import abi
from dcai_compile.deploy import place
from dcai_compile.encoding import Sample
from dcai_compile.errors import ChainError
from dcai_compile.evm import CallResult, Evm
from dcai_compile.incentives import deposit_after
from dcai_compile.model import Mirror, Revert

if TYPE_CHECKING:
    from dcai_compile.artifact import Compiled

MAX_FOUND = 1000
"""Differences are counted to the end, but only so many are put into words."""

PARAMETERS_PER_CALL = 1000


class EvmCheck:
    """A fresh deployment of a compiled model on one EVM, compared call by call.

    Attributes
    ----------
    mismatches : number of differences between EVM and mirror.
    found : the differences in words.
    calls, seconds : spent in the EVM.
    """

    def __init__(self, compiled: Compiled, evm: Evm) -> None:
        self.compiled = compiled
        self.evm = evm
        self.mirror = compiled.new_mirror()
        self.selectors = abi.error_selectors(compiled.errors)
        self.mismatches = 0
        self.found: list[str] = []
        self.calls = 0
        self.seconds = 0.0
        self.address = ""
        self.trainer = ""

    def deploy(self) -> bool:
        """Deploy all contracts; a refusal is a difference, and False."""
        try:
            addresses = place(self.compiled, self.evm).addresses
        except ChainError as error:
            self._differs(error.message)
            return False
        self.address = addresses[self.compiled.main.name]
        if self.compiled.trainer is not None:
            self.trainer = addresses[self.compiled.trainer.name]
        return True

    def sample(self, title: str, sample: Sequence[int] | Sample, scores: Sequence[int]) -> None:
        """Compare the scores and the class of one valid sample."""
        result = self._call(abi.sample_call(abi.SCORES, sample))
        expected = abi.word(abi.WORD) + abi.int256_array(scores)
        self._compare(f"{title}: scores", result, expected)
        decided = abi.word(self.mirror.decide(scores))
        self._compare(f"{title}: class", self._call(abi.sample_call(abi.PREDICT, sample)), decided)

    def update(self, title: str, sample: Sequence[int] | Sample, classification: int) -> bool:
        """Teach one sample to both, compare outcome and all of storage; False where both reverted."""
        values = [int(value) for value in sample]
        result = self._teach(values, classification)
        accepted = True
        try:
            if self.trainer and not values:
                raise Revert("EmptySample")
            self.mirror.update_encoded(values, classification)
            self._compare(title, result, b"")
        except Revert as revert:
            accepted = False
            self._compare_revert(title, result, revert)
        self.storage(title)
        return accepted

    def _teach(self, sample: list[int], classification: int) -> CallResult:
        """Through the trainer where there is one, with the highest deposit: the rest comes back."""
        if not self.trainer:
            return self._send(abi.update_call(sample, classification))
        highest = deposit_after(self.compiled.options, 0)
        return self._send(abi.add_data_call(sample, classification), to=self.trainer, value=highest)

    def storage(self, title: str) -> None:
        """Compare every stored parameter, slot by slot, with what the layout says it holds."""
        words = self.compiled.layout.words(self.mirror.state())
        if not words:
            return
        started = time.perf_counter()
        found = self.evm.storage_many(self.address, list(words))
        self.seconds += time.perf_counter() - started
        for (slot, expected), actual in zip(words.items(), found, strict=True):
            if actual != expected:
                self._differs(
                    f"{title}: slot {slot} holds {actual:#x}, the mirror has {expected:#x}"
                )

    def parameters(self, title: str, limit: int | None = None) -> None:
        """Compare every effective parameter, or the first `limit`, as the contract reports them."""
        expected = self.mirror.parameters()[:limit]
        for first in range(0, len(expected), PARAMETERS_PER_CALL):
            part = expected[first : first + PARAMETERS_PER_CALL]
            result = self._call(abi.parameters_call(first, len(part)))
            words = abi.word(abi.WORD) + abi.int256_array(part)
            self._compare(f"{title}: parameters from {first} on", result, words)

    def probes(self) -> int:
        """Calls at and past every limit, and decisions at ties; returns how many."""
        before = self.calls
        mirror = self.mirror
        for scores in mirror.probe_scores():
            result = self._call(abi.decide_call(scores))
            self._expect(f"decide({scores})", result, partial(_decided, mirror, scores))
        for sample in mirror.probe_samples():
            title = f"a sample of {len(sample)} beginning with {list(sample[:3])}"
            for function in (abi.PREDICT, abi.SCORES):
                result = self._call(abi.sample_call(function, sample))
                self._expect(title, result, partial(self._answer, function, sample))
            self.update(f"update with {title}", sample, 0)
        n_classes = len(self.compiled.integers.model.classes)
        harmless = max(self.compiled.examples, key=len)
        for classification in (n_classes, (1 << 64) - 1):
            self.update(f"update to class {classification}", harmless, classification)
        self._foreign_update(harmless)
        self._wide_words(harmless)
        return self.calls - before

    def _answer(self, function: bytes, sample: Sequence[int]) -> bytes:
        self.mirror.encode_check(sample)
        scores = self.mirror.scores([np.array(sample, dtype=np.int64)])[0]
        if function == abi.PREDICT:
            return abi.word(self.mirror.decide(scores))
        return abi.word(abi.WORD) + abi.int256_array(scores)

    def _foreign_update(self, sample: Sample) -> None:
        """Nobody but the owner may teach a classifier, and nobody past a fused trainer."""
        fused = self.trainer == self.address
        system = bool(self.trainer)
        # In a system not even who deployed it is the owner that teaches.
        for account in self.evm.accounts[0 if system else 1 : 2]:
            result = self._send(abi.update_call(sample, 0), sender=account)
            expected = Revert("NotOwner", int(account, 16))
            if fused:
                expected = Revert("TeachThroughAddData")
            self._compare_revert("update past the trainer", result, expected)
        self.storage("update past the trainer")

    def _wide_words(self, sample: Sample) -> None:
        """A word that is no int64 is refused by the ABI decoder, never truncated."""
        head = abi.PREDICT + abi.word(abi.WORD) + abi.word(max(1, len(sample)))
        rest = b"".join(abi.word(int(value)) for value in sample[1:])
        for value in (1 << 63, 1 << 64, -(1 << 63) - 1):
            result = self._call(head + abi.word(value) + rest)
            if result.success or result.output:
                self._differs(f"predict took {value}, which is no int64")

    def _expect(self, title: str, result: CallResult, answer: Callable[[], bytes]) -> None:
        try:
            self._compare(title, result, answer())
        except Revert as revert:
            self._compare_revert(title, result, revert)

    def _compare(self, title: str, result: CallResult, expected: bytes) -> None:
        if not result.success:
            reason = abi.describe_revert(result.output, self.compiled.errors)
            self._differs(f"{title}: the EVM reverts with {reason}")
        elif result.output != expected:
            self._differs(
                f"{title}: the EVM returns {result.output.hex()[:200]}, the mirror {expected.hex()[:200]}"
            )

    def _compare_revert(self, title: str, result: CallResult, revert: Revert) -> None:
        if result.success:
            self._differs(f"{title}: the EVM accepts it, the mirror reverts with {revert}")
        elif revert.name not in self.selectors:
            self._differs(f"{title}: the mirror reverts with {revert}, which the contract has not")
        elif result.output != abi.revert_data(revert, self.selectors):
            reason = abi.describe_revert(result.output, self.compiled.errors)
            self._differs(f"{title}: the EVM reverts with {reason}, the mirror with {revert}")

    def _differs(self, text: str) -> None:
        self.mismatches += 1
        if len(self.found) < MAX_FOUND:
            self.found.append(f"{self.evm.name}: {text}")

    def _call(self, data: bytes) -> CallResult:
        started = time.perf_counter()
        result = self.evm.call(self.address, data)
        self.seconds += time.perf_counter() - started
        self.calls += 1
        return result

    def _send(
        self, data: bytes, *, sender: str | None = None, to: str = "", value: int = 0
    ) -> CallResult:
        started = time.perf_counter()
        result = self.evm.send(to or self.address, data, sender=sender, value=value)
        self.seconds += time.perf_counter() - started
        self.calls += 1
        return result


def _decided(mirror: Mirror, scores: Sequence[int]) -> bytes:
    return abi.word(mirror.decide(scores))


def evenly(count: int, wanted: int) -> list[int]:
    """At most `wanted` of the numbers below `count`, evenly spaced, the first included."""
    if count <= wanted:
        return list(range(count))
    return [i * count // wanted for i in range(wanted)]
