"""What can be claimed now, and by whom: every claim is tried out on the node, none is sent."""

from __future__ import annotations

from dataclasses import dataclass

from dcai_compile.calls import Contribution
from dcai_compile.deployment import Deployment
from dcai_compile.explain import explain_refusal


@dataclass(frozen=True)
class Claim:
    """A contribution that is not settled, and whether `account` could claim it in this block.

    `obstacle` is the refusal in words, empty where the claim would succeed; `number` counts all
    contributions from 1 on.
    """

    number: int
    contribution: Contribution
    claimable: int
    account: str
    obstacle: str


def refunds(deployment: Deployment, account: str) -> list[Claim]:
    """The account's own contributions that are not settled."""
    return [
        _try(deployment, number, contribution, account, deployment.refund_call(contribution))
        for number, contribution in _open(deployment)
        if contribution.author == account
    ]


def reports(deployment: Deployment, account: str) -> list[Claim]:
    """Other people's contributions that are not settled."""
    return [
        _try(deployment, number, contribution, account, deployment.report_call(contribution))
        for number, contribution in _open(deployment)
        if contribution.author != account
    ]


def _open(deployment: Deployment) -> list[tuple[int, Contribution]]:
    found = []
    for number, contribution in enumerate(deployment.contributions(), 1):
        if contribution.deposit:
            settled = deployment.claimable(contribution) == 0
        else:  # points: the first claim settles
            settled = deployment.num_claims(contribution) > 0
        if not settled:
            found.append((number, contribution))
    return found


def _try(
    deployment: Deployment, number: int, contribution: Contribution, account: str, data: bytes
) -> Claim:
    result = deployment.evm.call(deployment.address, data, sender=account)
    obstacle = ""
    if not result.success:
        obstacle = explain_refusal(result.output, deployment.compiled.errors).message
    left = deployment.claimable(contribution)
    return Claim(number, contribution, left, account, obstacle)
