"""What every contract checks of a sample, whatever its family: the mirror of the ENCODE partials.

`templates/_encode_<encoding>.sol.j2` and `check_sample` refuse the same samples with the same
errors in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

from dcai_compile.encoding import INT64_MAX, PAIR_MAX, Encoding
from dcai_compile.model import Revert
from dcai_compile.tables import Constant


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


def wire_errors(encoding: Encoding, updatable: bool) -> set[str]:
    """Names of the errors that `check_sample` and, for an updatable model, `Mirror.update_check` raise."""
    if not encoding.is_sparse:
        return set()  # `Model64` has the only one
    names = {"FeatureIndexOutOfRange", "SampleTooLong"}
    if encoding.is_counts and updatable:
        names.add("FeatureRepeated")
    if encoding.min_length:
        names.add("EmptySample")
    if not encoding.is_counts:
        names.add("IndicesNotIncreasing")
    return names


def wire_constants(encoding: Encoding, updatable: bool) -> list[Constant]:
    """Constants that the ENCODE partials need beside FEATURES."""
    if not encoding.is_sparse:
        return []
    rows = [
        Constant(
            "uint256", "MAX_LENGTH", str(encoding.max_length), "Elements of the longest sample."
        )
    ]
    if encoding.is_counts and updatable:
        comment = "How often one index may stand in a sample that is taught."
        rows.append(Constant("uint256", "MAX_COUNT", str(encoding.max_count), comment))
        comment = "Bits that hold a number up to MAX_COUNT."
        rows.append(Constant("uint256", "COUNT_BITS", str(encoding.count_bits), comment))
    return rows


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


def heavy_samples(encoding: Encoding, limit: int) -> list[list[int]]:
    """The longest samples, of values up to `limit` that make powers and logarithms longest."""
    n, longest = encoding.n_features, encoding.max_length
    # Evenly over all features, so that as many storage slots as possible are read.
    spread = sorted(i * n // longest if longest < n else i % n for i in range(longest))
    if encoding.is_counts:
        return [spread]
    all_ones = (1 << (limit + 1).bit_length() - 1) - 1
    found = []
    for value in {limit, all_ones, -limit}:
        value = min(value, PAIR_MAX) if encoding.is_sparse else value
        found.append([pair(i, value) for i in spread] if encoding.is_sparse else [value] * n)
    return found
