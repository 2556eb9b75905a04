"""Rules broken on purpose in the contracts: the random operations must notice each."""

from __future__ import annotations

from typing import Any

import pytest

from dcai_compile import sources
from tests import systems
from tests.test_system_invariants import Machine, run

FUSED = {
    "a refund without a wait": (
        "incentives/Incentive64",
        "if (waited < _refundWait()) _refuse(TooEarly.selector, waited, _refundWait());",
        "",
    ),
    "a refund whatever the model predicts": (
        "incentives/Incentive64",
        "if (!Same.class(prediction, classification)) _refuse",
        "if (prediction > 1) _refuse",
    ),
    "no reputation for a refund": ("incentives/Incentive64", "_countValid(author);", ""),
    "a share rounded up": ("incentives/StakeableRules", "/ totals.good;", "/ totals.good + 1;"),
    "a share of what is left": (
        "incentives/StakeableRules",
        "uint256 share = deposit *",
        "uint256 share = claimable *",
    ),
    "a wei too cheap": (
        "incentives/StakeableRules",
        "if (sent < cost) _refuse",
        "if (sent + 1 < cost) _refuse",
    ),
    "a reporter twice": (
        "incentives/Incentive64",
        "if (claimedBefore) _refuse(AlreadyClaimed.selector, claimant);",
        "",
    ),
    "the creator a second early": (
        "incentives/Incentive64",
        "if (waited < _ownerClaimWait()) return false;",
        "if (waited + 1 < _ownerClaimWait()) return false;",
    ),
    "anybody in the end": (
        "incentives/Incentive64",
        "_requireValidated(reporter);\n        return true;",
        "return true;",
    ),
    "an author reports himself": (
        "incentives/Incentive64",
        "if (Same.account(reporter, author)) _refuse(OwnContribution.selector, author);\n"
        "        if (_isCreator",
        "if (_isCreator",
    ),
    "the clock of the price stands still": (
        "incentives/Incentive64",
        "sstore(totals.slot, or(shl(64, add(shr(64, word), 1)), timestamp()))",
        "sstore(totals.slot, add(word, shl(64, 1)))",
    ),
    "what is claimed stays claimable": (
        "FusedTrainer64",
        "left -= amount;",
        "left -= amount / 2;",
    ),
    "the overpayment is kept": (
        "trainers/Trainer64",
        "_pay(msg.sender, msg.value - cost);",
        "",
    ),
    "the sample is not taught": ("FusedTrainer64", "_update(data, classification);", ""),
    "the last claimer is forgotten": (
        "data/PackedContributions64",
        "left = SETTLED | account;",
        "left = SETTLED;",
    ),
    "the first claimer is forgotten": (
        "data/PackedContributions64",
        "word := or(word, mul(account, shl(FIRST_SHIFT, eq(claims, NO_CLAIMS))))",
        "",
    ),
    "what is settled is claimed again": (
        "FusedTrainer64",
        "if (word >> STATE_SHIFT != OPEN) {",
        "if (word == 0) {",
    ),
    "an event of somebody else": (
        "incentives/StakeableRules",
        "mstore(0x00, shr(96, shl(96, recipient)))",
        "mstore(0x00, not(0))",
    ),
    "who claims in between is forgotten": (
        "data/PackedContributions64",
        "claimed[dataKey][msg.sender] = true;",
        "claimed[dataKey][msg.sender] = false;",
    ),
}


@pytest.mark.parametrize("fault", FUSED)
def test_a_broken_rule_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, good, bad = FUSED[fault]
    files = dict(sources.hand_written())
    name = f"{path}.sol"
    assert files[name].count(good) >= 1
    files[name] = files[name].replace(good, bad)
    sound: Any = systems.system

    def broken(layout: str, **options: Any) -> Any:
        if layout == "modular":
            return sound(layout, **options)
        with monkeypatch.context() as patched:
            patched.setattr(sources, "hand_written", lambda: tuple(files.items()))
            return sound.__wrapped__(layout, **options)

    cache: dict[str, Any] = {}
    sound("modular", incentive="stakeable")

    def cached(layout: str, **options: Any) -> Any:
        if layout not in cache:
            cache[layout] = broken(layout, **options)
        return cache[layout]

    monkeypatch.setattr(systems, "system", cached)
    machine = type("Broken", (Machine,), {"options": {"incentive": "stakeable"}, "operations": 0})
    with pytest.raises((AssertionError, ExceptionGroup)):
        run(machine, number=0, examples=150)
