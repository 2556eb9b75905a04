"""What every contract checks of a sample, whatever its family: the mirror of the ENCODE partials.

`templates/_encode_<encoding>.sol.j2` and `check_sample` refuse the same samples with the same
errors in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

from dcai_compile.encoding import INT64_MAX, PAIR_MAX, Encoding
from dcai_compile.model import Constant, Revert


def check_sample(encoding: Encoding, sample: Sequence[int]) -> None:
    """Raise the `Revert` that the contract raises for a sample it cannot read."""
    if not encoding.is_sparse:
        if len(sample) != encoding.n_features:
            raise Revert("SampleLengthMismatch", encoding.n_features, len(sample))
        return
    if len(sample) < encoding.min_length:
        raise Revert("EmptySample")
    if len(sample) > encoding.max_length:
        raise Revert("SampleTooLong", len(sample), encoding.max_length)
    previous = -1
    for position, word in enumerate(sample):
        index = word if encoding.is_counts else word >> 32
        if not 0 <= index < encoding.n_features:
            raise Revert("FeatureIndexOutOfRange", position, index)
        if not encoding.is_counts and index <= previous:
            raise Revert("IndicesNotIncreasing", position, index)
        previous = index


def wire_errors(encoding: Encoding) -> set[str]:
    """Names of the errors that `check_sample` raises."""
    if not encoding.is_sparse:
        return {"SampleLengthMismatch"}
    names = {"FeatureIndexOutOfRange", "SampleTooLong"}
    if encoding.min_length:
        names.add("EmptySample")
    if not encoding.is_counts:
        names.add("IndicesNotIncreasing")
    return names


def wire_constants(encoding: Encoding) -> list[Constant]:
    """Constants that the ENCODE partials need beside FEATURES."""
    if not encoding.is_sparse:
        return []
    comment = "Elements of the longest sample."
    if encoding.is_counts:
        comment = f"Indices in the longest sample; a client may repeat an index {encoding.max_length} times."
    return [Constant("uint256", "MAX_LENGTH", str(encoding.max_length), comment)]


def pair(index: int, value: int) -> int:
    """One word of a ``pairs`` sample: a signed 32-bit value beside its index."""
    return (index << 32) | (value & 0xFFFF_FFFF)


def limit_samples(encoding: Encoding, limit: int) -> list[list[int]]:
    """Samples at and past every limit of the encoding; `limit` is the largest value of `update`."""
    n, longest = encoding.n_features, encoding.max_length
    if encoding.name == "indices":
        return [
            [],
            [0],
            [n - 1],
            [n],
            [-1],
            [0, -1],
            [1 << 32],
            [INT64_MAX],
            [-INT64_MAX - 1],
            [n - 1, 0, n - 1],
            [0] * (longest + 1),
        ]
    if encoding.name == "pairs":
        beyond = min(limit + 1, PAIR_MAX)
        values = [0, 1, -1, limit, -limit, beyond, -beyond, PAIR_MAX, -PAIR_MAX - 1]
        # Zeros, because nothing else of that length could be learned within a block's gas.
        long = [pair(index, 0) for index in range(min(n, longest + 1))]
        return [
            [],
            *([pair(n - 1, value)] for value in values),
            [pair(n, 1)],
            [pair(-1, 1)],
            [pair(0, 1), pair(0, 1)],
            [pair(n - 1, 1), pair(0, 1)],
            [INT64_MAX],
            [-INT64_MAX - 1],
            long[:longest],
            long[:longest] + [pair(n - 1, 0)] * (longest + 1 - min(n, longest)),
        ]
    uniform = [0, 1, -1, limit, -limit, min(limit + 1, INT64_MAX), INT64_MAX, -INT64_MAX - 1]
    return [
        [],
        [0] * (n - 1),
        [0] * (n + 1),
        *([value] * n for value in uniform),
        *([0] * (n - 1) + [value] for value in (limit, -limit - 1)),
    ]
