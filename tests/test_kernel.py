"""Dense products of all rows in one pass: the plan in Python, the contract beside its plain twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid

from dcai_compile import Compiled, abi
from dcai_compile.deploy import place
from dcai_compile.evm import open_evms
from dcai_compile.kernel import MOST_SUMS, WORD_BITS, Kernel, plan_kernel
from dcai_compile.model import margins
from dcai_compile.tiles import BLOCK, LANE_BITS
from tests.models import compile_bare

WIDTHS = (8, 16, 24, 32, 40, 64)


def run(kernel: Kernel, weights: NDArray[np.object_], values: list[int]) -> list[int]:
    """What the contract does, word by word, modulo 2**256. `weights` has shape (n_features, n_rows)."""
    word = 1 << WORD_BITS
    size = kernel.bits // 8
    products = [0] * kernel.rows
    for part in kernel.passes:
        sums = [0] * len(part.sums)
        for lanes, value in zip(weights, values, strict=True):
            # What stands before a feature's lanes is whatever it is.
            row = b"\xa5" * 32 + b"".join(
                int(lane).to_bytes(size, "big", signed=True) for lane in lanes
            )
            for number, one in enumerate(part.sums):
                end = 32 + part.loads[one.load]
                loaded = int.from_bytes(row[end - 32 : end], "big")
                if kernel.together:
                    lane = ((loaded ^ kernel.signs) >> one.shift) & kernel.mask
                else:
                    lane = (loaded + (1 << kernel.bits - 1)) % (1 << kernel.bits) - (
                        1 << kernel.bits - 1
                    )
                sums[number] = (sums[number] + value * lane) % word
        bias = sum(values) << (kernel.bits - 1)
        for one, total in zip(part.sums, sums, strict=True):
            for place_, bit in one.lanes:
                if not kernel.together:
                    products[place_] = (total + word // 2) % word - word // 2
                    continue
                digits = (total + kernel.halves(len(one.lanes))) % word >> bit
                digit = digits % (1 << kernel.stride) - (1 << kernel.stride - 1)
                products[place_] = digit - bias
    return products


@settings(max_examples=300)
@given(
    rows=st.integers(1, 20),
    bits=st.sampled_from(WIDTHS),
    features=st.integers(1, 40),
    largest=st.integers(1, 2**62),
    data=st.data(),
)
def test_plan_is_exact_up_to_its_limit(
    rows: int, bits: int, features: int, largest: int, data: st.DataObject
) -> None:
    kernel = plan_kernel(rows, bits, features, largest)
    assert sorted(
        row for part in kernel.passes for one in part.sums for row, _ in one.lanes
    ) == list(range(rows))
    assert all(len(part.sums) <= MOST_SUMS for part in kernel.passes)
    assert 1 << kernel.value_bits > largest or kernel.value_bits == 63
    if not kernel.together:
        assert kernel.value_bits == min(63, largest.bit_length() + 1)
    ends = -(1 << kernel.value_bits), (1 << kernel.value_bits) - 1
    half = 1 << (bits - 1)
    weight = st.sampled_from([-half, half - 1, 0, -1, 1]) | st.integers(-half, half - 1)
    value = st.sampled_from([*ends, 0, -1, 1]) | st.integers(*ends)
    weights = np.array(
        data.draw(st.lists(weight, min_size=rows * features, max_size=rows * features)), object
    ).reshape(features, rows)
    values = data.draw(st.lists(value, min_size=features, max_size=features))
    exact = [int(sum(w * v for w, v in zip(column, values, strict=True))) for column in weights.T]
    assert run(kernel, weights, values) == exact


def test_one_row_has_nothing_to_share() -> None:
    assert not plan_kernel(1, 16, 1000, 10**9).together
    assert not plan_kernel(2, 40, 512, 10**9).together
    assert plan_kernel(10, 16, 784, 10**9).together


def _model(
    n_classes: int, n_features: int, seed: int
) -> tuple[LogisticRegression, NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, n_features)) * (rng.random((60, n_features)) > 0.4)
    y = np.arange(60) % n_classes
    return LogisticRegression(max_iter=50).fit(X + y[:, None] * 0.1, y), X


def _scores(compiled: Compiled, samples: list[NDArray[np.int64]]) -> list[list[int]]:
    evm = open_evms("revm")[0]
    address = place(compiled, evm).addresses[compiled.main.name]
    found = []
    for sample in samples:
        result = evm.call(address, abi.sample_call(abi.SCORES, sample))
        assert result.success, abi.describe_revert(result.output, compiled.errors)
        found.append(abi.decode_int256_array(result.output))
    return found


def _probes(value_bits: int, n_features: int) -> list[NDArray[np.int64]]:
    """Just below, at and just past the limit of the fast way, and of the wire."""
    limit = 1 << value_bits
    ends = [value for value in (limit - 1, limit, -limit, -limit - 1, 2**63 - 1, -(2**63), 1, 0)]
    usable = [value for value in ends if -(2**63) <= value < 2**63]
    rng = np.random.default_rng(n_features)
    samples = [np.full(n_features, value, np.int64) for value in usable]
    for value in usable:
        one = np.zeros(n_features, np.int64)
        one[rng.integers(n_features)] = value
        samples.append(one)
        samples.append(rng.choice(np.array(usable, np.int64), n_features))
        samples.append(rng.integers(-limit // 2, limit // 2, n_features, np.int64))
    return samples


@pytest.mark.parametrize("weight_bits", [8, 16, 24, 40])
@pytest.mark.parametrize(("n_classes", "n_features"), [(2, 17), (3, 4), (4, 9), (10, 33), (17, 8)])
def test_contract_is_its_plain_twin(n_classes: int, n_features: int, weight_bits: int) -> None:
    """The twin is the mirror's integer product, which knows nothing of lanes that share a word."""
    estimator, X = _model(n_classes, n_features, seed=n_classes)
    # Narrow weights are refused where a calibration sample is too close to call.
    apart = margins(estimator.decision_function(X).reshape(60, -1))
    clear = X[apart >= apart.max()]
    compiled = compile_bare(estimator, clear, update="frozen", weight_bits=weight_bits)
    rows = 1 if n_classes == 2 else n_classes
    bits = compiled.integers.grid.bits  # type: ignore[attr-defined]
    wire = compiled.integers.encoding
    kernel = plan_kernel(rows, bits, n_features, wire.packed_unit << (wire.packed_bits - 1))
    # Wide samples of narrow lanes are multiplied in tiles instead, up to a limit of their own.
    tiles = compiled.integers.tiles  # type: ignore[attr-defined]
    assert (tiles is not None) == (n_features >= BLOCK and bits in LANE_BITS)
    fast = kernel if tiles is None else tiles
    samples = _probes(fast.value_bits, n_features)
    expected = compiled.mirror.scores(samples)
    assert _scores(compiled, samples) == [list(map(int, row)) for row in expected]


@pytest.mark.parametrize("n_classes", [2, 10])
def test_centroids_are_their_plain_twin(n_classes: int) -> None:
    _, X = _model(n_classes, 20, seed=3)
    labels = np.arange(60) % n_classes
    compiled = compile_bare(NearestCentroid().fit(X, labels), X, labels, encoding="dense")
    bits = compiled.integers.base_bits  # type: ignore[attr-defined]
    wire = compiled.integers.encoding
    kernel = plan_kernel(n_classes, bits, 20, wire.packed_unit << (wire.packed_bits - 1))
    samples = _probes(kernel.value_bits, 20)
    expected = compiled.mirror.scores(samples)
    assert _scores(compiled, samples) == [list(map(int, row)) for row in expected]


def test_a_word_that_is_no_int64_is_refused_on_either_way() -> None:
    estimator, X = _model(10, 33, seed=1)
    compiled = compile_bare(estimator, X, update="frozen")
    evm = open_evms("revm")[0]
    address = place(compiled, evm).addresses[compiled.main.name]
    good = abi.sample_call(abi.SCORES, [0] * 33)
    for value in (1 << 63, (1 << 64) - 1, 1 << 64, 1 << 200, (1 << 256) - (1 << 63) - 1):
        for position in (0, 16, 32):
            at = 4 + 64 + 32 * position
            data = good[:at] + value.to_bytes(32, "big") + good[at + 32 :]
            result = evm.call(address, data)
            assert not result.success
            assert result.output == b""
