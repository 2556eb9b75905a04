"""Packed elements of every width: whole bytes at once, and contracts of widths that are not usual."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.naive_bayes import MultinomialNB

from dcai_compile import abi, compile_model
from dcai_compile.deployment import deploy
from dcai_compile.encoding import Encoding
from dcai_compile.errors import InvalidOption
from dcai_compile.families.lanes import delta_digits
from dcai_compile.packing import WORD_BITS, packing_of
from tests import models


@pytest.mark.parametrize("name", ["indices", "pairs"])
@pytest.mark.parametrize("bits", range(1, 25))
def test_some_elements_always_fill_whole_bytes(name: str, bits: int) -> None:
    for features in {(1 << bits) - 1, 1 << bits, (1 << bits - 1) + 1}:
        packing = packing_of(Encoding(name, max(1, features), 60))  # type: ignore[arg-type]
        assert packing.together >= 1
        assert packing.together * packing.element_bits == 8 * packing.together_bytes <= WORD_BITS
        last = features - 1 if name == "indices" else (features - 1) << 32 | 0xFFFFFFFF
        packed = packing.pack([max(0, last)])
        assert packed is not None and packing.unpack(packed) == [max(0, last)]


@pytest.mark.parametrize("dense", range(16, 33))
def test_so_do_dense_ones(dense: int) -> None:
    packing = packing_of(Encoding("dense", 20, 20, packed_bits=dense))
    assert packing.together >= 1
    assert packing.together * packing.element_bits == 8 * packing.together_bytes <= WORD_BITS


@pytest.mark.parametrize(("n_words", "encoding"), [(300, "indices"), (300, "pairs")])
def test_odd_widths_are_unpacked(n_words: int, encoding: str) -> None:
    X, y = models.text(n_words)
    X = X if encoding == "indices" else X * 0.37
    compiled = compile_model(models.sgd("perceptron").fit(X, y), X, encoding=encoding)
    assert compiled.packing is not None
    system = deploy(compiled)
    for sample in compiled.encode(X[:8]):
        packed = compiled.packing.pack(sample)
        assert packed is not None
        result = system.evm.call(system.address, abi.packed_call(abi.PREDICT_PACKED, packed))
        scores = compiled.mirror.scores([np.array(sample, np.int64)])[0]
        assert int.from_bytes(result.output, "big") == compiled.mirror.decide(scores)
        assert result.gas_used < 200_000


def test_many_classes_read_no_wide_digit_of_what_was_never_taught() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (360, 60))
    y = np.arange(360) % 36
    X[np.arange(360), y] += 3
    compiled = compile_model(MultinomialNB().fit(X, y), X, encoding="indices", incentive=None)
    assert compiled.layout.delta is not None and compiled.layout.delta.group
    system = deploy(compiled)
    sample = list(range(20))
    result = system.evm.call(system.address, abi.sample_call(abi.PREDICT, sample))
    scores = compiled.mirror.scores([np.array(sample, np.int64)])[0]
    assert int.from_bytes(result.output, "big") == compiled.mirror.decide(scores)
    assert result.gas_used < 500_000  # 20 elements would read 36 wide digits of each


def test_updates_are_proved_for_lanes_as_they_are_written() -> None:
    """A lane of 16 bits with a low digit of 8 ends 128 before 2**15."""
    digits, proved = delta_digits(1, 32_639, 1)
    assert (digits.bits, digits.low_bits, proved) == (16, 8, digits.maximum) == (16, 8, 32_639)
    wider, _ = delta_digits(1, 32_640, 1)
    assert wider.bits == 32


def test_a_contract_can_do_without_packed_samples() -> None:
    X, y = models.text()
    estimator = models.sgd("perceptron").fit(X, y)
    compiled = compile_model(estimator, X, packed=False)
    assert compiled.packing is None
    names = [entry["name"] for entry in compiled.abi if entry["type"] in ("function", "event")]
    assert "addData" in names and not any("acked" in name or name == "packing" for name in names)
    with pytest.raises(InvalidOption, match="packed=1 is neither True nor False"):
        compile_model(estimator, X, packed=1)  # type: ignore[arg-type]
