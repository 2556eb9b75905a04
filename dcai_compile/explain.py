"""What the contracts' refusals mean, and what to do: for people who do not read Solidity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dcai_compile import abi
from dcai_compile.errors import TransactionRefused
from dcai_compile.incentives import duration, ether


def _money(cost: int, sent: int) -> tuple[str, str]:
    text = f"the deposit is {ether(cost)} now, and {ether(sent)} came along"
    return (
        text,
        "pass a higher max_cost: what is not needed comes back; or wait, which makes it cheaper",
    )


def _early(waited: int, required: int) -> tuple[str, str]:
    text = f"{duration(waited)} of {duration(required)} have passed"
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
    "ContributionExists": lambda key: (
        "the same account has added this very sample with this label in the same second",
        "wait for the next block, and go on",
    ),
    "NothingToClaim": lambda: ("nothing of this deposit is left", "somebody has claimed it"),
    "AlreadyClaimed": lambda account: (
        f"{account:#042x} has claimed it before, or somebody else has",
        "every account claims a contribution once",
    ),
}
"""By the error's name: from its values to what it means, and a hint."""


def explain_refusal(output: bytes, errors: Sequence[dict[str, Any]]) -> TransactionRefused:
    """What a contract reverted with, in words; `errors` are the ABI entries of its errors."""
    name, values = abi.decode_error(output, errors)
    message = abi.describe_revert(output, errors)
    known = name in EXPLANATIONS
    text, hint = EXPLANATIONS[name](*values) if known else ("", "see its declaration in contracts/")
    return TransactionRefused(
        f"{message}: {text}" if known else f"the contract refuses: {message}",
        hint=hint,
        revert_data=output,
        error=name,
        values=values,
    )
