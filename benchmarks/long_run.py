"""Gas of an old model: every slot of what was learned has been touched, and words in the order of Zipf's law.

A young model reads only the few slots that were ever taught, which flatters refunds and predictions. Here
one lane of every slot, and every count and intercept, holds one unit, put there directly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.operations import HOUR, REFUND_AFTER, Measured
from benchmarks.workloads import Lesson, Workload
from dcai_compile import Compiled

ZIPF_SEED = 7


def touched(compiled: Compiled) -> dict[int, int]:
    """Storage of a fresh model with a lane of every learned slot, and all other lanes, one unit up."""
    delta = compiled.layout.delta
    state = compiled.new_mirror().state()
    for stored in compiled.layout.stored:
        state[stored.table.name] = state[stored.table.name] + 1
    if delta is not None:
        lanes = state[delta.table.name]
        seen: set[int] = set()
        for lane in range(len(lanes)):
            slot, _ = delta.place(*divmod(lane, delta.table.rows))
            if slot not in seen:
                lanes[lane] += 1
                seen.add(slot)
    return compiled.layout.words(state)


def old(compiled: Compiled, workload: Workload, fork: str = "prague") -> Measured:
    """A system with its history and an old model."""
    found = Measured(compiled, workload, "abi", fork)
    found.evm.put_storage(found.system.classifier, touched(compiled))
    return found


def long_run(compiled: Compiled, workload: Workload) -> Iterator[tuple[str, str, int]]:
    """Sample, operation and gas of an old model."""
    for name, lesson in workload.samples.items():
        sample = list(lesson.data)
        asked = old(compiled, workload, "cancun")
        right = asked.predicted(sample)
        wrong = 1 if right == 0 else 0
        yield name, "addData wrong", old(compiled, workload).add(sample, wrong, 1, HOUR)[0]
        good = old(compiled, workload)
        gas, own = good.add(sample, right, 0, HOUR)
        yield name, "addData right", gas
        yield name, "refund", good.claim(good.system.refund_call(own), 0, REFUND_AFTER)
        yield name, "predict exec", asked.execution(asked.system.predict_call(sample))


def zipf(compiled: Compiled, workload: Workload) -> Iterator[tuple[str, str, int]]:
    """Order of the vocabulary, operation and gas: the same words, numbered by frequency or at random.

    Frequent words share slots where the vocabulary is sorted, so that a sample touches fewer of them.
    """
    n_features = compiled.integers.encoding.n_features
    rng = np.random.default_rng(ZIPF_SEED)
    frequencies = 1 / np.arange(1, n_features + 1)
    ranks = rng.choice(n_features, 60, replace=False, p=frequencies / frequencies.sum())
    shuffled = rng.permutation(n_features)
    for order, indices in (("by frequency", ranks), ("at random", shuffled[ranks])):
        lesson = Lesson(tuple(sorted(map(int, indices))), None)
        sample = list(lesson.data)
        fresh = Measured(compiled, workload, "abi")
        wrong = 1 - fresh.predicted(sample)
        yield order, "addData wrong", fresh.add(sample, wrong, 1, HOUR)[0]
        aged = old(compiled, workload, "cancun")
        yield order, "predict exec", aged.execution(aged.system.predict_call(sample))
