"""What the contracts' refusals mean, and what to do: for people who do not read Solidity."""

from __future__ import annotations

from collections.abc import Callable

from dcai_compile.incentives import duration, ether


def _money(cost: int, sent: int) -> tuple[str, str]:
    text = f"the deposit is {ether(cost)} now, and {ether(sent)} came along"
    return (
        text,
        "pass a higher max_cost: what is not needed comes back; or wait, which makes it cheaper",
    )


def _early(waited: int, required: int) -> tuple[str, str]:
    text = f"{duration(waited)} have passed, {duration(required)} are needed"
    return text, f"try again in {duration(required - waited)}"


EXPLANATIONS: dict[str, Callable[..., tuple[str, str]]] = {
    "DepositTooLow": _money,
    "CostAboveMaximum": lambda cost, most: (
        f"the deposit is {ether(cost)} now, at most {ether(most)} was allowed",
        "allow more, or wait, which makes it cheaper",
    ),
    "TooEarly": _early,
    "ModelDisagrees": lambda prediction, label: (
        f"the model predicts class {prediction}, the contribution says {label}",
        "a refund needs the model to agree; more contributions of this kind may convince it",
    ),
    "ModelAgrees": lambda label: (
        f"the model predicts class {label}, as the contribution says",
        "only what the model disagrees with can be reported",
    ),
    "ModelIsFrozen": lambda: (
        "this model was compiled to never change",
        "compile it with a training step (update=...)",
    ),
    "NoValidatedContribution": lambda account: (
        f"{account:#042x} has no validated contribution",
        "add data that the model agrees with, and take its refund first",
    ),
    "OwnContribution": lambda account: (
        f"{account:#042x} is its author",
        "authors ask for a refund; only others report",
    ),
    "NothingToClaim": lambda: ("nothing of this deposit is left", "somebody has claimed it"),
    "AlreadyClaimed": lambda account: (
        f"{account:#042x} has claimed it before, or somebody else has",
        "every account claims a contribution once",
    ),
}
"""By the error's name: from its values to what it means, and a hint."""
