"""Parity, which is two claims and never one.

1. The EVM equals the mirror, bit for bit: every class, every score, every revert, every storage
   slot. A break is a bug of ours.
2. The mirror agrees with scikit-learn: every score within the proved bound, every class equal
   wherever scikit-learn's own margin exceeds twice the bound. Samples inside that band are
   counted and shown as undecided.

With several test EVMs the first runs everything and the others a slice: independent
implementations of the EVM must agree too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from dcai_compile.choose import without_empty
from dcai_compile.encoding import Sample, narrow_indices
from dcai_compile.errors import SampleOutOfRange
from dcai_compile.evm import open_evms
from dcai_compile.families import family_of
from dcai_compile.model import Revert, class_index, margins
from dcai_compile.parity import EvmCheck, evenly

if TYPE_CHECKING:
    from dcai_compile.artifact import Compiled

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with what is done, how much of it, out of how much."""

Lesson: TypeAlias = tuple[Any, Sample, int]
"""A raw sample of shape (1, n_features), the same encoded, and its class index."""

SLICE_SAMPLES = 24
SLICE_UPDATES = 6
SLICE_PARAMETERS = 256
"""What the EVMs after the first repeat: samples evenly spaced, the first updates and parameters."""

SHOWN = 10


@dataclass(frozen=True)
class Undecided:
    """A sample whose margin is within twice the bound, so that its class is nobody's fault."""

    sample: int
    margin: float
    agrees: bool


@dataclass(frozen=True)
class EvmReport:
    """What one test EVM did: samples, updates and hostile calls checked, and calls per second."""

    name: str
    samples: int
    updates: int
    probes: int
    mismatches: int
    calls_per_second: float


@dataclass(frozen=True)
class ParityReport:
    """The result of a verification; `passed` is the verdict.

    Attributes
    ----------
    samples : samples compared; `empty` more could not be encoded (``indices`` without an index).
    evm_mismatches : differences between an EVM and the mirror; must be 0.
    mismatches : the first of them, in words.
    disagreements : samples where mirror and scikit-learn differ although they must not; must be 0.
    undecided : number of samples within twice the bound; `undecided_samples` are the widest of them.
    bound : the largest proved error of any sample's score, integers and wire.
    max_error : the largest observed difference to scikit-learn's score.
    updates : updates compared, of which `reverted` were refused by contract and mirror alike.
    drift, drift_bound : distance of the learned parameters from scikit-learn's `partial_fit`, and
        what it is proved not to exceed; both 0 without updates.
    evms : one report a test EVM.
    """

    samples: int
    empty: int
    evm_mismatches: int
    mismatches: tuple[str, ...]
    disagreements: int
    undecided: int
    undecided_samples: tuple[Undecided, ...]
    bound: float
    max_error: float
    updates: int
    reverted: int
    drift: float
    drift_bound: float
    evms: tuple[EvmReport, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether both claims hold."""
        return (
            self.evm_mismatches == 0 and self.disagreements == 0 and self.drift <= self.drift_bound
        )

    @property
    def largest_undecided_margin(self) -> float:
        """The widest margin among undecided samples, 0 without any."""
        return max((entry.margin for entry in self.undecided_samples), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "passed": self.passed}


def verify(
    compiled: Compiled,
    X: Any,
    *,
    evm: str = "auto",
    updates: tuple[Any, Any] | None = None,
    progress: Progress | None = None,
) -> ParityReport:
    """Check both claims on samples `X`, (n_samples, n_features), and a stream of updates.

    Parameters
    ----------
    compiled : a compiled model.
    X : raw samples to predict; those that the contract refuses as empty are counted and left out.
    evm : ``"auto"`` (revm and eth-tester, where installed), ``"revm"``, ``"eth-tester"`` or the
        URL of a node with unlocked accounts.
    updates : samples and labels to teach, in order, comparing all of storage after each.
    progress : told how far it is.

    Raises `SampleOutOfRange`, `InvalidOption`, `ChainError`. A difference is no exception: it is
    counted in the report.
    """
    encoding = compiled.integers.encoding
    raw = compiled.integers.model.features(X)
    kept = without_empty(encoding, raw)
    raw = raw[np.nonzero(kept)[0]]
    mirror = compiled.new_mirror()
    samples = mirror.encode_features(raw)
    scores = mirror.scores(samples)
    stream = _stream(compiled, updates)
    reports, found = [], []
    for number, machine in enumerate(open_evms(evm)):
        check = EvmCheck(compiled, machine)
        reports.append(_run(check, samples, scores, stream, number == 0, progress))
        found += check.found
    drift, drift_bound, reverted = _drift(compiled, stream)
    return ParityReport(
        samples=len(samples),
        empty=int(np.count_nonzero(~kept)),
        evm_mismatches=sum(report.mismatches for report in reports),
        mismatches=tuple(found[:SHOWN]),
        **_compare(compiled, raw, scores),
        updates=len(stream),
        reverted=reverted,
        drift=drift,
        drift_bound=drift_bound,
        evms=tuple(reports),
    )


def _stream(compiled: Compiled, updates: tuple[Any, Any] | None) -> list[Lesson]:
    """The updates as raw sample, encoded sample and class index, without empty samples."""
    if updates is None:
        return []
    model = compiled.integers.model
    raw = model.features(updates[0])
    labels = list(updates[1])
    if raw.shape[0] != len(labels):
        raise SampleOutOfRange(
            f"{raw.shape[0]} samples to learn from, but {len(labels)} labels",
            hint="pass updates=(X, y) of equal length",
        )
    encoding = compiled.integers.encoding
    if compiled.trainer is not None:
        encoding = replace(encoding, min_length=1)  # a trainer takes no empty sample
    kept = np.nonzero(without_empty(encoding, raw))[0]
    encoded = compiled.new_mirror().encode_features(raw[kept])
    return [
        (raw[[row]], sample, class_index(model, labels[row]))
        for row, sample in zip(kept.tolist(), encoded, strict=True)
    ]


def _run(
    check: EvmCheck,
    samples: list[Sample],
    scores: NDArray[np.object_],
    stream: list[Lesson],
    whole: bool,
    progress: Progress | None,
) -> EvmReport:
    """Everything on one EVM: predictions, parameters, updates, predictions again, limits."""
    name = check.evm.name
    chosen = list(range(len(samples))) if whole else evenly(len(samples), SLICE_SAMPLES)
    lessons = stream if whole else stream[:SLICE_UPDATES]
    limit = None if whole else SLICE_PARAMETERS
    probes = 0
    if check.deploy():
        check.storage("fresh")
        check.parameters("fresh", limit)
        for done, row in enumerate(chosen):
            check.sample(f"sample {row}", samples[row], scores[row])
            _tell(progress, f"{name}: predictions", done + 1, len(chosen))
        for done, (_, sample, classification) in enumerate(lessons):
            check.update(f"update {done}", sample, classification)
            _tell(progress, f"{name}: updates", done + 1, len(lessons))
        if lessons:
            check.parameters("after the updates", limit)
            again = evenly(len(samples), SLICE_SAMPLES)
            learned = check.mirror.scores([samples[row] for row in again])
            for row, row_scores in zip(again, learned, strict=True):
                check.sample(f"sample {row} after the updates", samples[row], row_scores)
        probes = check.probes()
    speed = check.calls / check.seconds if check.seconds else 0.0
    return EvmReport(name, len(chosen), len(lessons), probes, check.mismatches, speed)


def _tell(progress: Progress | None, what: str, done: int, total: int) -> None:
    if progress is not None:
        progress(what, done, total)


def _drift(compiled: Compiled, stream: list[Lesson]) -> tuple[float, float, int]:
    """Teach mirror and scikit-learn side by side: drift, its bound, and how many reverted."""
    family = family_of(compiled.integers.model.family)
    learning = family.learning_check(compiled.integers)
    mirror = compiled.new_mirror()
    reverted = 0
    for x, sample, classification in stream:
        try:
            mirror.update_encoded(sample.tolist(), classification)
        except Revert:
            reverted += 1
            continue
        if learning is not None:
            learning.step(x, sample, classification)
    if learning is None or not stream:
        return 0.0, 0.0, reverted
    return learning.drift(mirror), learning.bound, reverted


def _compare(compiled: Compiled, raw: Any, scores: NDArray[np.object_]) -> dict[str, Any]:
    """The second claim: the mirror against scikit-learn, over all samples at once."""
    model = compiled.integers.model
    family = family_of(model.family)
    if not len(scores):
        return {
            "disagreements": 0,
            "undecided": 0,
            "undecided_samples": (),
            "bound": 0.0,
            "max_error": 0.0,
        }
    if issparse(raw):
        raw = narrow_indices(raw)
    prepared = model.folded.transform(raw) if model.folded else raw
    theirs, expected = family.reference(model, prepared)
    mirror = compiled.new_mirror()
    ours = mirror.real_scores(scores)
    integer_bound, float_bound = family.error_bounds(compiled.integers, raw)
    with np.errstate(invalid="ignore"):
        # A class of probability 0 has the score -inf on both sides, or the difference is infinite.
        error = np.where(ours == theirs, 0.0, np.abs(ours - theirs)).max(axis=1)
    bound = integer_bound + float_bound
    margin = margins(theirs)
    decided = np.array(model.classes)[[mirror.decide(row) for row in scores]]
    inside = margin <= 2.0 * bound
    # Converting a score to a double rounds once more, in the last place.
    sizes = np.where(np.isfinite(theirs), np.abs(theirs), 0.0)
    too_far = error > bound + sizes.max(axis=1) * 2.0**-51
    wrong = ((decided != expected) & ~inside) | too_far
    rows = np.nonzero(inside)[0]
    widest = rows[np.argsort(-margin[rows], kind="stable")][:SHOWN]
    return {
        "disagreements": int(np.count_nonzero(wrong)),
        "undecided": len(rows),
        "undecided_samples": tuple(
            Undecided(int(row), float(margin[row]), bool(decided[row] == expected[row]))
            for row in widest
        ),
        "bound": float(integer_bound.max()),
        "max_error": float(error.max()),
    }
