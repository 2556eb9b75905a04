"""How fast a contract is verified: revm beside eth-tester, and 10,000 samples on revm.

    python -m benchmarks.speed

Times are noisy, so the two EVMs are compared as a ratio within one run, on the same calls.
"""

from __future__ import annotations

import time

from sklearn.linear_model import Perceptron

from benchmarks.datasets import zipf_text
from dcai_compile import Compiled, abi, compile_model
from dcai_compile.evm import Evm, open_evms

SAMPLES = 10_000
WORDS = 1_000
TESTER_CALLS = 30
REVM_CALLS = 3_000


def calls_per_second(evm: Evm, compiled: Compiled, calls: int) -> float:
    """`predict` calls a second, in a loop over the model's example samples."""
    address = evm.deploy(compiled.bytecode).address
    data = [abi.sample_call(abi.PREDICT, sample) for sample in compiled.examples]
    started = time.perf_counter()
    for number in range(calls):
        assert evm.call(address, data[number % len(data)]).success
    return calls / (time.perf_counter() - started)


def main() -> None:
    X, y = zipf_text(SAMPLES, WORDS, 2, seed=0)
    estimator = Perceptron(random_state=0).fit(X[:2000], y[:2000])
    started = time.perf_counter()
    compiled = compile_model(estimator, X[:2000], incentive=None)
    print(f"compiled in {time.perf_counter() - started:.2f} s, encoding {compiled.encoding}")
    (revm,) = open_evms("revm")
    (tester,) = open_evms("eth-tester")
    fast = calls_per_second(revm, compiled, REVM_CALLS)
    slow = calls_per_second(tester, compiled, TESTER_CALLS)
    print(
        f"predict calls a second: revm {fast:,.0f}, eth-tester {slow:,.0f}, ratio {fast / slow:,.0f}"
    )
    started = time.perf_counter()
    report = compiled.verify(X, evm="revm")
    seconds = time.perf_counter() - started
    assert report.passed
    print(
        f"{report.samples:,} samples of {WORDS:,} features verified on revm in {seconds:.2f} s "
        f"(score and class of each, {report.evms[0].calls_per_second:,.0f} calls/s)"
    )


if __name__ == "__main__":
    main()
