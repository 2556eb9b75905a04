"""Parity of a contract that is deployed: what it answers now, against the replayed mirror."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dcai_compile import abi
from dcai_compile.chain.audit import parameters_equal, replay
from dcai_compile.chain.node import Node, hex_bytes
from dcai_compile.deployment import Deployment

SHOWN = 10


@dataclass(frozen=True)
class DeployedReport:
    """The result: `mismatches` are differences between the chain and the mirror, in words."""

    samples: int
    contributions: int
    mismatch_count: int
    mismatches: tuple[str, ...]
    parameters_equal: bool

    @property
    def passed(self) -> bool:
        """Whether the deployed contract is what it should be."""
        return self.mismatch_count == 0 and self.parameters_equal

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "passed": self.passed}


def verify_deployed(deployment: Deployment, node: Node, X: Any) -> DeployedReport:
    """Compare scores and classes of raw samples, (n_samples, n_features) or texts.

    Requests go in batches, as many samples a round trip as nodes take. Raises `SampleOutOfRange`, `ChainError`.
    """
    report = _compare(deployment, node, X)
    # A failure may only mean that somebody has contributed meanwhile.
    while not report.passed and len(deployment.contributions()) > report.contributions:
        report = _compare(deployment, node, X)
    return report


def _compare(deployment: Deployment, node: Node, X: Any) -> DeployedReport:
    mirror, contributions = replay(deployment)
    samples = mirror.encode(X)
    scores = mirror.scores(samples)
    requests = [
        ("eth_call", [{"to": deployment.classifier, "data": "0x" + data.hex()}, "latest"])
        for sample in samples
        for data in (abi.sample_call(abi.SCORES, sample), abi.sample_call(abi.PREDICT, sample))
    ]
    answers = node.ask_many(requests)
    found: list[str] = []
    for number, row in enumerate(scores):
        expected = (
            abi.word(abi.WORD) + abi.int256_array(row),
            abi.word(mirror.decide(row)),
        )
        for what, answer, right in zip(
            ("scores", "class"), answers[2 * number : 2 * number + 2], expected, strict=True
        ):
            if hex_bytes(answer) != right:
                found.append(f"sample {number}: the chain's {what} differ from the mirror's")
    return DeployedReport(
        len(samples),
        len(contributions),
        len(found),
        tuple(found[:SHOWN]),
        parameters_equal(deployment, mirror),
    )
