"""Stakeable and Points, rule by rule: one second before, at and after each wait, wei by wei."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

import pytest

from dcai_compile.calls import Contribution
from dcai_compile.deployment import Deployment
from dcai_compile.errors import ChainError, InvalidOption, TransactionRefused
from dcai_compile.incentives import MAX_COST_WEIGHT, MIN_COST_WEIGHT
from tests import systems
from tests.systems import ANY_WAIT, COST_WEIGHT, OWNER_WAIT, REFUND_WAIT

GOOD, BAD = [4, 5], [6, 7]
"""Words of class 1. `BAD` is contributed as class 0, which the model does not believe at once."""

both = pytest.mark.parametrize("layout", systems.LAYOUTS)
every = pytest.mark.parametrize("incentive", systems.INCENTIVES)
around = pytest.mark.parametrize("off", [-1, 0, 1])


def refused(do: Any, *values: Any, **more: Any) -> tuple[str, tuple[int, ...]]:
    """Name and values of the error that a call is refused with."""
    with pytest.raises(TransactionRefused) as caught:
        do(*values, **more)
    assert caught.value.hint
    return caught.value.error, caught.value.values


def after(system: Deployment, contribution: Contribution, seconds: int) -> None:
    """Let the next transaction be `seconds` after a contribution."""
    system.wait(contribution.time + seconds - system.evm.timestamp())


def with_reputation(system: Deployment, *accounts: str) -> None:
    """Give each account validated contributions: one more than the account before."""
    for number, account in enumerate(accounts):
        for _ in range(number + 1):
            system.wait(3600)
            contribution = system.add_encoded(GOOD, 1, sender=account)
            after(system, contribution, REFUND_WAIT)
            system.refund(contribution)
        assert system.num_valid(account) == number + 1


@both
@every
@around
def test_a_refund_waits(layout: str, incentive: str, off: int) -> None:
    system = systems.fresh(layout, incentive)
    author = system.evm.accounts[1]
    contribution = system.add_encoded(GOOD, 1, sender=author)
    before = system.evm.balance(author)
    after(system, contribution, REFUND_WAIT + off)
    if off < 0:
        assert refused(system.refund, contribution) == ("TooEarly", (14, 15))
        assert system.num_valid(author) == 0
        return
    assert system.refund(contribution) == contribution.deposit
    assert system.evm.balance(author) - before == contribution.deposit
    assert system.num_valid(author) == 1
    claimed = {"stakeable": "NothingToClaim", "points": "AlreadyClaimed"}[incentive]
    assert refused(system.refund, contribution)[0] == claimed


@both
@every
@around
def test_a_report_waits(layout: str, incentive: str, off: int) -> None:
    system = systems.fresh(layout, incentive)
    _, author, reporter, stranger = system.evm.accounts[:4]
    with_reputation(system, reporter)
    contribution = system.add_encoded(BAD, 0, sender=author)
    after(system, contribution, REFUND_WAIT + off)
    if off < 0:
        assert refused(system.report, contribution, sender=reporter) == ("TooEarly", (14, 15))
        return
    # The only account with reputation has all of it, and so takes all.
    assert system.report(contribution, sender=reporter) == contribution.deposit
    assert system.claimable(contribution) == 0
    closed = {"stakeable": "NothingToClaim", "points": "AlreadyClaimed"}[incentive]
    assert refused(system.report, contribution, sender=stranger)[0] == closed


@both
@every
@around
def test_the_creator_may_take_what_is_left(layout: str, incentive: str, off: int) -> None:
    system = systems.fresh(layout, incentive)
    creator, author = system.evm.accounts[:2]
    # Nothing is wrong with this one, and the creator has no reputation: from then on it is no matter.
    contribution = system.add_encoded(GOOD, 1, sender=author)
    after(system, contribution, OWNER_WAIT + off)
    if off < 0:
        assert refused(system.report, contribution, sender=creator) == ("ModelAgrees", (1,))
        return
    assert refused(system.report, contribution, sender=author)[0] == "OwnContribution"
    assert refused(system.report, contribution, sender=system.evm.accounts[2])[0] == "ModelAgrees"
    assert system.report(contribution, sender=creator) == contribution.deposit


@both
@every
@around
def test_others_may_take_what_is_left_in_the_end(layout: str, incentive: str, off: int) -> None:
    system = systems.fresh(layout, incentive)
    _, author, reporter, stranger = system.evm.accounts[:4]
    with_reputation(system, reporter)
    system.wait(3600)
    contribution = system.add_encoded(GOOD, 1, sender=author)
    after(system, contribution, ANY_WAIT + off)
    if off < 0:
        assert refused(system.report, contribution, sender=reporter) == ("ModelAgrees", (1,))
        return
    assert refused(system.report, contribution, sender=stranger)[0] == "NoValidatedContribution"
    assert refused(system.report, contribution, sender=author)[0] == "OwnContribution"
    assert system.report(contribution, sender=reporter) == contribution.deposit


@both
@around
def test_open_claims_are_dcais_rule(layout: str, off: int) -> None:
    for number in (1, 2):
        system = systems.fresh(layout, open_claims=True)
        author, claimant = system.evm.accounts[1], system.evm.accounts[number]
        contribution = system.add_encoded(BAD, 0, sender=author)
        after(system, contribution, ANY_WAIT + off)
        if off < 0:
            expected = "OwnContribution" if claimant == author else "NoValidatedContribution"
            assert refused(system.report, contribution, sender=claimant)[0] == expected
        else:
            assert system.report(contribution, sender=claimant) == contribution.deposit


@both
def test_shares_are_exact_fractions(layout: str) -> None:
    system = systems.fresh(layout)
    author, one, two, three = system.evm.accounts[1:5]
    with_reputation(system, one, two, three)  # 1, 2 and 3 of 6
    system.wait(35)  # 50 s after the last one: a seventh of the highest price
    contribution = system.add_encoded(BAD, 0, sender=author)
    assert contribution.deposit % 6 != 0
    after(system, contribution, REFUND_WAIT)
    left = contribution.deposit
    for reporter, valid in ((two, 2), (one, 1)):
        share = int(Fraction(contribution.deposit * valid, 6))
        assert system.report(contribution, sender=reporter) == share
        left -= share
        assert system.claimable(contribution) == left
        assert refused(system.report, contribution, sender=reporter)[0] == "AlreadyClaimed"
    # The last share is not more than what is left, which rounding made a little more.
    share = int(Fraction(contribution.deposit * 3, 6))
    assert share < left
    assert system.report(contribution, sender=three) == share
    rest = left - share
    assert system.claimable(contribution) == rest > 0
    after(system, contribution, OWNER_WAIT)
    assert system.report(contribution, sender=system.evm.accounts[0]) == rest
    assert system.evm.balance(system.address) == 0


@both
def test_a_share_above_what_is_left_is_what_is_left(layout: str) -> None:
    system = systems.fresh(layout)
    author, one, two = system.evm.accounts[1:4]
    with_reputation(system, one)
    contribution = system.add_encoded(BAD, 0, sender=author)
    # Half of the reputation now, ...
    good = system.add_encoded(GOOD, 1, sender=two)
    after(system, good, REFUND_WAIT)
    system.refund(good)
    half = contribution.deposit // 2
    assert system.report(contribution, sender=one) == half
    # ... and two thirds of it later, of a deposit of which only half is left.
    with_reputation_once_more(system, two)
    assert int(Fraction(contribution.deposit * 2, 3)) > contribution.deposit - half
    assert system.report(contribution, sender=two) == contribution.deposit - half


def with_reputation_once_more(system: Deployment, account: str) -> None:
    contribution = system.add_encoded(GOOD, 1, sender=account)
    after(system, contribution, REFUND_WAIT)
    system.refund(contribution)


@both
def test_a_share_of_nothing_is_all(layout: str) -> None:
    system = systems.fresh(layout, cost_weight=MIN_COST_WEIGHT)
    author, one, two = system.evm.accounts[1:4]
    with_reputation(system, one, two)  # 1 and 2 of 3
    # So long after the last one that the smallest deposit is two wei: a third of it is none.
    system.wait(2**62)
    contribution = system.add_encoded(BAD, 0, sender=author)
    assert contribution.deposit == 2
    after(system, contribution, REFUND_WAIT)
    assert system.report(contribution, sender=one) == 2


@both
@every
def test_who_may_report_in_between(layout: str, incentive: str) -> None:
    system = systems.fresh(layout, incentive)
    creator, author, reporter, stranger = system.evm.accounts[:4]
    with_reputation(system, reporter)
    bad = system.add_encoded(BAD, 0, sender=author)
    system.wait(3600)
    good = system.add_encoded(GOOD, 1, sender=author)
    after(system, good, REFUND_WAIT)
    assert refused(system.report, good, sender=reporter)[0] == "ModelAgrees"
    assert refused(system.report, good, sender=author)[0] == "OwnContribution"
    assert refused(system.refund, bad)[0] == "ModelDisagrees"
    system.wait(3600)
    young = system.add_encoded([4], 0, sender=author)
    after(system, young, REFUND_WAIT)
    for nobody in (stranger, creator):
        assert refused(system.report, young, sender=nobody)[0] == "NoValidatedContribution"


@both
@every
def test_the_label_is_compared_with_what_the_model_predicts_now(
    layout: str, incentive: str
) -> None:
    system = systems.fresh(layout, incentive)
    author, other, reporter = system.evm.accounts[1:4]
    with_reputation(system, reporter)
    contribution = system.add_encoded([4], 0, sender=author)  # not believed at first
    after(system, contribution, REFUND_WAIT)
    assert refused(system.refund, contribution) == ("ModelDisagrees", (1, 0))
    believed = system.add_encoded([4], 0, sender=other)  # now it is
    assert refused(system.report, contribution, sender=reporter)[0] == "ModelAgrees"
    for _ in range(3):
        system.add_encoded([4], 1, sender=reporter)  # and now it is not again
    after(system, believed, REFUND_WAIT)
    assert refused(system.refund, believed) == ("ModelDisagrees", (1, 0))
    assert system.report(believed, sender=reporter) == believed.deposit
    for _ in range(4):
        system.add_encoded([4], 0, sender=other)
    assert system.refund(contribution) == contribution.deposit


# The price


@both
@pytest.mark.parametrize("elapsed", [1, 2, 3, 4, 8, 9, 3599, 3600, 3601, 10**9])
def test_the_price_falls_with_the_root_of_the_time(layout: str, elapsed: int) -> None:
    system = systems.fresh(layout)
    first = system.add_encoded(GOOD, 1)
    expected = COST_WEIGHT * 3600 // isqrt(elapsed)
    ahead = first.time + elapsed - system.evm.timestamp()
    assert system.cost(ahead) == expected
    after(system, first, elapsed)
    too_little = refused(system.add_encoded, GOOD, 1, max_cost=expected - 1)
    assert too_little == ("DepositTooLow", (expected, expected - 1))
    # The refused one took a second: the price is the next one's.
    expected = COST_WEIGHT * 3600 // isqrt(elapsed + 1)
    sender = system.evm.accounts[1]
    before = system.evm.balance(sender)
    contribution = system.add_encoded(GOOD, 1, sender=sender, max_cost=expected + 12345)
    assert contribution.deposit == expected
    assert before - system.evm.balance(sender) == expected
    assert system.evm.balance(system.address) == first.deposit + expected


@both
def test_a_price_for_the_past_is_refused(layout: str) -> None:
    system = systems.fresh(layout)
    contribution = system.add_encoded(GOOD, 1)
    signature = "getNextAddDataCost(uint256)"
    to = system.incentive_mechanism
    now = systems.call(system.evm, to, signature, contribution.time)
    assert int.from_bytes(now.output, "big") == COST_WEIGHT * 3600
    past = systems.call(system.evm, to, signature, contribution.time - 1)
    assert systems.error_of(system, past) == "TimeBeforeLastUpdate"


@both
def test_points_cost_nothing_and_give_money_back(layout: str) -> None:
    system = systems.fresh(layout, "points")
    sender = system.evm.accounts[1]
    before = system.evm.balance(sender)
    for sent in (0, 10**18):
        assert system.add_encoded(GOOD, 1, sender=sender, max_cost=sent).deposit == 0
    assert system.evm.balance(sender) == before
    assert system.evm.balance(system.address) == 0


# Settings


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("cost_weight", 0),
        ("cost_weight", MIN_COST_WEIGHT - 1),
        ("cost_weight", MAX_COST_WEIGHT + 1),
        ("cost_weight", 1e15),
        ("refund_wait", 0),
        ("refund_wait", OWNER_WAIT + 1),
        ("refund_wait", True),
        ("owner_claim_wait", ANY_WAIT + 1),
        ("owner_claim_wait", REFUND_WAIT - 1),
        ("any_address_claim_wait", OWNER_WAIT - 1),
        ("any_address_claim_wait", 1 << 32),
        ("any_address_claim_wait", "soon"),
        ("open_claims", 1),
        ("layout", "monolith"),
        ("incentive", "prediction-market"),
        ("title", "two\nlines"),
    ],
)
def test_a_setting_without_sense_is_refused(option: str, value: Any) -> None:
    settings = {"layout": "fused", "incentive": "stakeable", option: value}
    with pytest.raises(InvalidOption) as caught:
        systems.system(**settings)
    assert caught.value.option in (option, "owner_claim_wait", "any_address_claim_wait")
    assert (
        repr(value) in caught.value.message
        or caught.value.option != option
        or "U+" in str(caught.value)
    )


@pytest.mark.parametrize("weight", [MIN_COST_WEIGHT, MAX_COST_WEIGHT])
@both
def test_the_ends_of_the_range_of_weights_work(layout: str, weight: int) -> None:
    system = systems.fresh(layout, cost_weight=weight)
    contribution = system.add_encoded(GOOD, 1, max_cost=weight * 60)
    assert contribution.deposit == weight * 60
    dearest = weight * 3600
    assert system.cost(0) == dearest < 1 << 80


def test_contracts_refuse_the_same_settings() -> None:
    """Whoever deploys the modular contracts by hand is held to the same rules."""
    from eth_abi.abi import encode

    from dcai_compile.abi import decode_error
    from dcai_compile.evm import fastest_evm

    compiled = systems.system("modular")
    (stakeable,) = (part for part in compiled.contracts if part.name == "Stakeable64")
    types = [argument.type for argument in stakeable.arguments]
    for values, error in (
        ((0, 20, 20, False, 10**15), "WaitsNotInOrder"),
        ((21, 20, 20, False, 10**15), "WaitsNotInOrder"),
        ((15, 20, 19, False, 10**15), "WaitsNotInOrder"),
        ((15, 20, 20, False, 0), "CostWeightOutOfRange"),
        ((15, 20, 20, False, MIN_COST_WEIGHT - 1), "CostWeightOutOfRange"),
        ((15, 20, 20, False, MAX_COST_WEIGHT + 1), "CostWeightOutOfRange"),
    ):
        with pytest.raises(ChainError) as caught:
            fastest_evm().deploy(stakeable.initcode + encode(types, values))
        assert decode_error(caught.value.revert_data, compiled.errors)[0] == error
    for values in ((1, 1, 1, True, MIN_COST_WEIGHT), (15, 20, 20, False, MAX_COST_WEIGHT)):
        fastest_evm().deploy(stakeable.initcode + encode(types, values))
