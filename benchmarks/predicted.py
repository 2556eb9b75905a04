"""The operations of `benchmarks/operations.py` as the cost model sees them: the same steps on a mirror."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.operations import PATIENCE
from benchmarks.workloads import Lesson, Workload
from dcai_compile import Compiled
from dcai_compile.costs import Costs
from dcai_compile.model import Mirror
from dcai_compile.work import Work


def works(compiled: Compiled, workload: Workload) -> dict[tuple[str, str], list[Work]]:
    """What each operation does, by (workload or sample, operation): one piece of work a transaction."""
    costs = Costs(compiled)
    history = list(workload.history)

    def fresh() -> Mirror:
        mirror = compiled.new_mirror()
        for _ in range(2):
            mirror.update_encoded(history, predicted(mirror, history))
        return mirror

    found = {(workload.name, "deploy everything"): list(costs.deploy().values())}
    for name, lesson in workload.samples.items():
        for operation, work in _operations(costs, fresh, lesson).items():
            found[name, operation] = [work]
    return found


def predicted(mirror: Mirror, sample: list[int]) -> int:
    """The class that the contract predicts."""
    return mirror.decide(mirror.scores([np.array(sample, np.int64)])[0].tolist())


def _operations(costs: Costs, fresh: Callable[[], Mirror], lesson: Lesson) -> dict[str, Work]:
    sample = list(lesson.data)
    unlearned = costs.compiled.new_mirror()
    right = predicted(unlearned, sample) if lesson.right is None else lesson.right
    wrong = 1 if right == 0 else 0
    found = {"predict exec": costs.predict(unlearned, sample)}
    taught = fresh()
    found["addData wrong"] = costs.add(taught, sample, wrong)
    found["report, all"] = costs.report_all(sample, wrong)
    for _ in range(PATIENCE):
        if predicted(taught, sample) == wrong:  # it was convinced at once
            taught.update_encoded(sample, right)
    found["report, share"] = costs.report_share(taught, sample, wrong)
    taught = fresh()
    found["addData right"] = costs.add(taught, sample, right)
    found["refund"] = costs.refund(taught, sample, right)
    return found
