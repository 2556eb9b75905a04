"""Accountability: every contribution replayed, and what it did to the model.

The chain's events are the only input. They go through the mirror in their order, and at the end the
mirror's parameters must be those in the contract's storage, bit for bit.
"""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile.calls import Contribution
from dcai_compile.deployment import Deployment
from dcai_compile.encoding import Sample
from dcai_compile.errors import InvalidOption
from dcai_compile.incentives import ether
from dcai_compile.model import Mirror, class_index


@dataclass(frozen=True)
class AuditRow:
    """One contribution.

    Attributes
    ----------
    number : from 1 on, in the order of the chain.
    time : in seconds; author; label; deposit in wei.
    accuracy : on the test set, after it.
    change : of the accuracy, by it.
    flipped : how many predictions on the test set it changed.
    state : ``"open"``, ``"refunded"`` to its author, or ``"taken"``, in part or whole, by others.
    claimable : what is left of the deposit, in wei.
    """

    number: int
    time: int
    author: str
    label: str
    deposit: int
    accuracy: float
    change: float
    flipped: int
    state: str
    claimable: int


@dataclass(frozen=True)
class Audit:
    """The result: the accuracy as published, and a row a contribution.

    `parameters_equal` says that the replayed model is the one on chain; `mirror` is that model.
    """

    samples: int
    published: float
    rows: tuple[AuditRow, ...]
    parameters_equal: bool
    mirror: Mirror

    @property
    def accuracy(self) -> float:
        """On the test set, now."""
        return self.rows[-1].accuracy if self.rows else self.published

    def to_csv(self) -> str:
        """A line a contribution, under a line of titles."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(field.name for field in fields(AuditRow))
        for row in self.rows:
            writer.writerow(
                f"{value:.6f}" if isinstance(value, float) else value
                for value in asdict(row).values()
            )
        return text.getvalue()

    def lines(self) -> list[str]:
        """A table for people."""
        title = f"{'#':>5}  {'author':<12} {'label':<14} {'deposit':>14}  accuracy   change  flipped  state"
        table = [f"{self.published:.4f} as published, on {self.samples} samples", title]
        for row in self.rows:
            left = f", {ether(row.claimable)} left" if row.claimable and row.state != "open" else ""
            table.append(
                f"{row.number:>5}  {row.author[:10]}.. {row.label[:14]:<14} {ether(row.deposit):>14}  "
                f"{row.accuracy:>8.4f}  {row.change:>+7.4f}  {row.flipped:>7}  {row.state}{left}"
            )
        equal = "equal" if self.parameters_equal else "NOT EQUAL"
        table.append(f"{self.accuracy:.4f} now; replayed parameters and the chain's: {equal}")
        return table


def replay(deployment: Deployment) -> tuple[Mirror, list[Contribution]]:
    """The mirror after every contribution so far, and the contributions."""
    mirror = deployment.compiled.new_mirror()
    contributions = deployment.contributions()
    for contribution in contributions:
        mirror.update_encoded(list(contribution.data), contribution.classification)
    return mirror, contributions


def replay_to_the_end(deployment: Deployment) -> tuple[Mirror, list[Contribution], bool]:
    """`replay`, and `parameters_equal`; what is contributed meanwhile is replayed as well."""
    mirror, contributions = replay(deployment)
    while not (equal := parameters_equal(deployment, mirror)):
        later = deployment.contributions()[len(contributions) :]
        if not later:
            break
        for contribution in later:
            mirror.update_encoded(list(contribution.data), contribution.classification)
        contributions += later
    return mirror, contributions, equal


def parameters_equal(deployment: Deployment, mirror: Mirror) -> bool:
    """Whether every storage slot of the model holds what the mirror has."""
    words = deployment.compiled.layout.words(mirror.state())
    if not words:
        return True
    return deployment.evm.storage_many(deployment.classifier, list(words)) == list(words.values())


def audit(deployment: Deployment, X: Any, y: Any) -> Audit:
    """Replay every contribution, with the accuracy on a test set after each.

    `X` are raw samples, `y` their labels, (n_samples,). Raises `SampleOutOfRange`, `InvalidOption`,
    `ChainError`.
    """
    compiled = deployment.compiled
    labels = np.array([class_index(compiled.integers.model, label) for label in y], np.int64)
    samples = compiled.mirror.encode(X)
    if not len(labels) or len(labels) != len(samples):
        raise InvalidOption(
            f"{len(samples)} test samples and {len(labels)} labels",
            hint="pass one label for each of at least one sample",
            option="test",
            value=len(labels),
        )
    mirror = compiled.new_mirror()
    predicted = _predict(mirror, samples)
    published = accuracy = float(np.mean(predicted == labels))
    rows: list[AuditRow] = []
    later = deployment.contributions()
    while True:
        for contribution in later:
            mirror.update_encoded(list(contribution.data), contribution.classification)
            after = _predict(mirror, samples)
            now = float(np.mean(after == labels))
            state, claimable = _state(deployment, contribution)
            rows.append(
                AuditRow(
                    len(rows) + 1,
                    contribution.time,
                    contribution.author,
                    str(contribution.label),
                    contribution.deposit,
                    now,
                    now - accuracy,
                    int(np.count_nonzero(after != predicted)),
                    state,
                    claimable,
                )
            )
            predicted, accuracy = after, now
        equal = parameters_equal(deployment, mirror)
        # Unequal, the chain may only be ahead: somebody has contributed meanwhile.
        later = [] if equal else deployment.contributions()[len(rows) :]
        if not later:
            break
    return Audit(len(labels), published, tuple(rows), equal, mirror)


def _predict(mirror: Mirror, samples: list[Sample]) -> NDArray[np.int64]:
    return np.array([mirror.decide(row) for row in mirror.scores(samples)], np.int64)


def _state(deployment: Deployment, contribution: Contribution) -> tuple[str, int]:
    claims = deployment.num_claims(contribution)
    left = deployment.claimable(contribution)
    if not claims:
        return "open", left
    if deployment.has_claimed(contribution, contribution.author):
        return "refunded", left
    return "taken", left
