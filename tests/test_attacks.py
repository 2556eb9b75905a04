"""The weaknesses of DCAI's contracts, each tried on ours. `SECURITY.md` has a line for each."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from scipy import sparse
from sklearn.linear_model import Perceptron
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid

from dcai_compile import Compiled, abi, compile_model
from dcai_compile.deployment import Deployment
from dcai_compile.errors import ChainError, GasLimitExceeded
from dcai_compile.evm import TX_GAS, CallResult, Evm, LocalEvm, Log, fastest_evm
from tests import models, systems
from tests.solidity import initcode
from tests.systems import ANY_WAIT, COST_WEIGHT, OWNER_WAIT, REFUND_WAIT, send
from tests.test_incentives import after, refused, with_reputation

ETHER = 10**18
GOOD, BAD = [4, 5], [6, 7]

both = pytest.mark.parametrize("layout", systems.LAYOUTS)


def unchanged(system: Deployment, do: Any, *values: Any, **more: Any) -> str:
    """The error that a call is refused with, after which everything is as before."""

    def state() -> tuple[Any, ...]:
        return (
            system.evm.balance(system.address),
            [system.evm.balance(account) for account in system.evm.accounts],
            system.evm.storage_many(system.classifier, models.learned_slots(system.compiled)),
            len(system.contributions()),
        )

    before = state()
    name, _ = refused(do, *values, **more)
    assert state() == before
    return name


# 1. Samples too long to be claimed


def wide_text(longest: int) -> tuple[Any, Any]:
    """40 documents of 10 classes among 12,000 words, the longest of `longest` words."""
    rng = np.random.default_rng(0)
    X = sparse.lil_array((40, 12_000))
    for row in range(40):
        X[row, rng.choice(12_000, longest if row == 0 else 20, replace=False)] = 1
    return sparse.csr_array(X), np.arange(40) % 10


@cache
def ten_classes() -> Compiled:
    X, y = wide_text(600)
    estimator = MultinomialNB().fit(X, y)
    settings = {"refund_wait": REFUND_WAIT, "owner_claim_wait": 40, "any_address_claim_wait": 90}
    return compile_model(estimator, X, y, name="Wide", **settings)


def test_the_longest_sample_can_always_be_claimed() -> None:
    compiled = ten_classes()
    longest = compiled.integers.encoding.max_length
    # 1,200 words would be taken if every later call could afford them.
    assert 600 <= longest < 1_200
    system = compiled.deploy(fastest_evm())
    creator, author = system.evm.accounts[:2]
    sample = list(range(0, 12_000, 2))[:longest]
    too_long = unchanged(system, system.add_encoded, [*sample, 11_999], 0, sender=author)
    assert too_long == "SampleTooLong"
    # Fresh slots make the lesson dear: words that others have taught before make it affordable.
    for first in range(0, longest, 200):
        system.wait(10**6)
        system.add_encoded(sample[first : first + 200], 3, sender=author)
    system.wait(10**6)
    contribution = system.add_encoded(sample, 3, sender=author)
    for claim, claimant, wait in (
        (system.refund, author, REFUND_WAIT),
        (system.report, creator, OWNER_WAIT),
    ):
        after(system, contribution, wait)
        assert claim(contribution, sender=claimant) == contribution.deposit
        contribution = system.add_encoded(sample, 3, sender=author)


def test_the_limit_is_computed_from_the_gas_that_a_claim_takes() -> None:
    from dcai_compile.gas import claim_gas

    compiled = ten_classes()
    gas = claim_gas(compiled, fastest_evm())
    assert 0.8 * TX_GAS < gas <= TX_GAS
    assert f"{gas:,}" in compiled.quote()["longest sample"]
    X, y = wide_text(600)
    bare = compile_model(MultinomialNB().fit(X, y), X, y, incentive=None)
    assert bare.integers.encoding.max_length == 1_200
    assert claim_gas(bare, fastest_evm()) > TX_GAS


@both
@pytest.mark.parametrize("name", ["perceptron", "bayes", "centroid", "bernoulli", "gaussian"])
def test_the_bound_of_a_claim_is_above_what_a_claim_takes(name: str, layout: str) -> None:
    from dcai_compile.gas import claim_gas

    X, y = models.text(200, 2)
    made = {
        "perceptron": Perceptron(random_state=0),
        "bayes": MultinomialNB(),
        "centroid": NearestCentroid(),
        "bernoulli": BernoulliNB(),
        "gaussian": GaussianNB(),
    }[name]
    if name == "gaussian":
        X, y = models.iris()
    compiled = compile_model(made.fit(X, y), X, y, layout=layout, refund_wait=REFUND_WAIT)
    bound = claim_gas(compiled, fastest_evm())
    system = compiled.deploy(fastest_evm())
    encoding = compiled.integers.encoding
    sample = compiled.encode(X[:1])[0]
    if encoding.is_sparse:
        sample = [i % 200 for i in range(min(encoding.max_length, 200 * encoding.max_count))]
    # Every class is taught first: what was taught has to be read, too.
    for classification in range(len(compiled.integers.model.classes)):
        system.wait(10**6)
        system.add_encoded(sample, classification)
    raw = encoding.matrix([np.array(sample)]).toarray() if encoding.is_sparse else X[:1]
    label = int(system.predict(raw)[0])
    system.wait(10**6)
    contribution = system.add_encoded(sample, label)
    after(system, contribution, REFUND_WAIT)
    gas = system.evm.send(system.address, _refund_call(contribution)).gas_used
    assert gas < bound <= TX_GAS


def _refund_call(contribution: Any) -> bytes:
    values = [contribution.data, contribution.classification, contribution.time]
    return abi.selector("refund(int64[],uint64,uint256)") + encode(
        ["int64[]", "uint64", "uint256"], values
    )


def test_what_was_taught_is_in_the_gas_of_a_claim() -> None:
    """A Gaussian model reads what it has learned of a class from its first lesson on."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 400)), np.arange(40) % 10
    with pytest.raises(GasLimitExceeded):
        compile_model(GaussianNB().fit(X, y), X, y)
    X = X[:, :200]
    compiled = compile_model(GaussianNB().fit(X, y), X, y)
    from dcai_compile.gas import claim_gas

    bound = claim_gas(compiled, fastest_evm())
    system = compiled.deploy(fastest_evm())
    sample = compiled.encode(X[:1])[0]
    predict = abi.sample_call(abi.PREDICT, sample)
    fresh = system.evm.call(system.classifier, predict).gas_used
    for classification in range(10):
        system.wait(10**6)
        system.add_encoded(sample, classification)
    taught = system.evm.call(system.classifier, predict).gas_used
    assert 1.5 * fresh < taught < bound


def test_lanes_that_have_carried_are_in_the_gas_of_a_claim() -> None:
    """Words that every class was taught some hundred times have a wide digit each, which is read, too."""
    from dcai_compile.gas import claim_gas

    compiled = ten_classes()
    bound = claim_gas(compiled, fastest_evm())
    system = compiled.deploy(fastest_evm())
    sample = list(range(0, 12_000, 2))[: compiled.integers.encoding.max_length]
    mirror: Any = compiled.new_mirror()
    # As after so many lessons with each word, in each class.
    mirror.delta[sample, :] = 1_000
    mirror.samples, mirror.totals = [10_000] * 10, [1_000 * len(sample)] * 10
    evm: Any = system.evm
    evm.put_storage(system.classifier, compiled.layout.words(mirror.state()))
    predicted = evm.call(system.classifier, abi.sample_call(abi.PREDICT, sample))
    assert predicted.output == abi.word(mirror.decide(mirror.scores([np.array(sample)])[0]))
    assert predicted.gas_used < bound <= TX_GAS


def test_a_model_of_which_no_sample_can_be_claimed_is_refused() -> None:
    X, y = wide_text(3_000)
    with pytest.raises(GasLimitExceeded, match="a refund of a sample") as caught:
        compile_model(BernoulliNB().fit(X, y), X, y)
    assert caught.value.gas > caught.value.limit == TX_GAS
    assert "incentive=None" in caught.value.hint
    with pytest.raises(GasLimitExceeded):
        compile_model(MultinomialNB().fit(X, y), X, y)


@both
def test_the_bound_holds_for_the_features_that_are_dearest_to_read(layout: str) -> None:
    """Wide digits of a feature may be in one slot or in two: whoever writes the sample chooses."""
    from dcai_compile.gas import CLAIM_ELEMENT_GAS, CLAIM_GAS, _taught, claim_gas

    rng = np.random.default_rng(0)
    words, length, classes = 4_096, 180, 7
    X = sparse.lil_array((60, words))
    for row in range(60):
        X[row, rng.choice(words, length if row == 0 else 20, replace=False)] = 1
    X, y = sparse.csr_array(X), np.arange(60) % classes
    compiled = compile_model(MultinomialNB().fit(X, y), X, y, layout=layout)
    delta, longest = compiled.layout.delta, compiled.integers.encoding.max_length
    assert delta is not None
    assert {len(delta.wide_of(feature)) for feature in range(delta.group)} == {1, 2}
    bound = claim_gas(compiled, fastest_evm())
    system = compiled.deploy(fastest_evm())
    assert isinstance(system.evm, LocalEvm)
    system.evm.put_storage(system.classifier, _taught(compiled))
    claims = []
    for first in range(delta.group):
        sample = sorted(feature % words for feature in range(first, 4 * words, delta.group))
        sample = list(dict.fromkeys(sample))[:longest]
        predicted = system.evm.call(system.classifier, abi.sample_call(abi.PREDICT, sample))
        assert predicted.success
        claims.append(predicted.gas_used * 64 * 64 // (63 * 63) + len(sample) * CLAIM_ELEMENT_GAS)
    assert min(claims) < max(claims) <= bound - CLAIM_GAS


def test_a_model_that_takes_no_shorter_samples_is_refused() -> None:
    """Whatever their length, every sample's prediction asks for all words that were taught."""
    rng = np.random.default_rng(0)
    X = sparse.csr_array((rng.random((60, 3000)) < 0.01).astype(float))
    y = np.arange(60) % 2
    estimator = BernoulliNB().fit(X, y)
    with pytest.raises(GasLimitExceeded) as caught:
        compile_model(estimator, X)
    assert caught.value.gas > caught.value.limit == TX_GAS
    assert compile_model(estimator, X, incentive=None).integers.encoding.max_length == 3000


def test_the_amount_paid_is_the_systems_word_and_not_the_receivers() -> None:
    """Who is paid runs code before the system's event, and may emit one that looks like it."""
    system = systems.fresh("fused", "stakeable")
    account = system.evm.accounts[1]
    topic = keccak(b"Refund(address,uint256)")
    logs = [
        Log(account, (topic,), encode(["address", "uint256"], [account, 10**30])),
        Log(system.address, (topic,), encode(["address", "uint256"], [account, 7])),
    ]
    assert system._paid(CallResult(True, b"", 0, tuple(logs)), topic) == 7
    assert system._paid(CallResult(True, b"", 0, tuple(logs[:1])), topic) == 0


# 2. Labels above the last class


@both
@pytest.mark.parametrize("label", [2, 3, (1 << 64) - 1])
def test_a_label_that_is_no_class_is_refused(layout: str, label: int) -> None:
    system = systems.fresh(layout)
    assert unchanged(system, system.add_encoded, GOOD, label) == "ClassOutOfRange"
    call = abi.add_data_call(GOOD, label)
    result = system.evm.send(system.address, call, value=ETHER)
    assert result.gas_used < 250_000  # not all that was sent along


# 3. Indices cut off, repeated, absent


@both
@pytest.mark.parametrize(
    "index", [-1, systems.WORDS, 1 << 32, (1 << 32) + 4, -(1 << 63), (1 << 63) - 1]
)
def test_an_index_is_never_cut_off(layout: str, index: int) -> None:
    system = systems.fresh(layout)
    assert unchanged(system, system.add_encoded, [4, index], 1) == "FeatureIndexOutOfRange"


@both
def test_one_word_moves_a_weight_once(layout: str) -> None:
    system = systems.fresh(layout)
    for sample in ([4, 4], [4, 5, 4], [4] * 50):
        assert unchanged(system, system.add_encoded, sample, 0) == "FeatureRepeated"


@both
def test_counts_are_bounded_by_those_of_training(layout: str) -> None:
    X, y = models.text(200, 2)
    most = int(X.max())
    compiled = compile_model(MultinomialNB().fit(X, y), X, y, layout=layout)
    assert compiled.integers.encoding.max_count == 2 * most > 2
    system = compiled.deploy(fastest_evm())
    assert unchanged(system, system.add_encoded, [9] * (2 * most + 1), 0) == "FeatureRepeated"
    system.add_encoded([9] * (2 * most), 0)


@both
@pytest.mark.parametrize("model", ["perceptron", "bayes", "centroid"])
def test_an_empty_sample_shifts_no_prior(layout: str, model: str) -> None:
    system = systems.fresh(layout, model=model)
    assert unchanged(system, system.add_encoded, [], 0) == "EmptySample"


@both
def test_a_word_that_is_no_int64_is_refused(layout: str) -> None:
    system = systems.fresh(layout)
    head = abi.selector("addData(int64[],uint64)") + abi.word(64) + abi.word(1) + abi.word(1)
    for value in (1 << 63, (1 << 64) + 4, 1 << 255, -(1 << 63) - 1):
        result = system.evm.send(system.address, head + abi.word(value), value=ETHER)
        assert not result.success
    assert system.evm.send(system.address, head + abi.word(4), value=ETHER).success


@both
def test_samples_are_equal_word_by_word(layout: str) -> None:
    system = systems.fresh(layout)

    def equal(one: list[int], other: list[int]) -> bool:
        result = systems.call(
            system.evm, system.data_handler, "isDataEqual(int64[],int64[])", one, other
        )
        assert result.success
        return result.output == abi.word(1)

    assert equal([], []) and equal([1, -2], [1, -2])
    assert not any(equal([1, -2], other) for other in ([], [1], [1, -2, 0], [-2, 1], [1, 2]))
    # Words that are no int64 make no sample, not even one that is like the other.
    words = [abi.word(word) for word in (64, 128, 1, 1 << 63, 1, 1 << 63)]
    data = abi.selector("isDataEqual(int64[],int64[])") + b"".join(words)
    assert not system.evm.call(system.data_handler, data).success


# 4. The creator's window


@both
def test_the_creators_window_is_not_dead_code(layout: str) -> None:
    system = systems.fresh(layout)
    creator, author, heir = system.evm.accounts[:3]
    contribution = system.add_encoded(BAD, 0, sender=author)
    after(system, contribution, OWNER_WAIT)
    assert system.report(contribution, sender=creator) == contribution.deposit
    # The right moves with a hand-over, and only with one.
    signature = "transferOwnership(address)" if layout == "fused" else "transferCreator(address)"
    to = system.incentive_mechanism
    assert not send(system.evm, to, signature, heir, sender=heir).success
    assert not send(system.evm, to, signature, "0x" + "00" * 20, sender=creator).success
    assert send(system.evm, to, signature, heir, sender=creator).success
    contribution = system.add_encoded([0, 5], 1, sender=author)
    after(system, contribution, OWNER_WAIT)
    assert refused(system.report, contribution, sender=creator)[0] in (
        "ModelAgrees",
        "NoValidatedContribution",
    )
    assert system.report(contribution, sender=heir) == contribution.deposit


# 5. Reporting oneself


@both
@pytest.mark.parametrize("wait", [REFUND_WAIT, OWNER_WAIT, ANY_WAIT, 10 * ANY_WAIT])
def test_nobody_reports_himself(layout: str, wait: int) -> None:
    system = systems.fresh(layout)
    creator, author, accomplice = system.evm.accounts[:3]
    with_reputation(system, author)
    contribution = system.add_encoded(BAD, 0, sender=author)
    after(system, contribution, wait)
    assert unchanged(system, system.report, contribution, sender=author) == "OwnContribution"
    # Nor through an address that has never taught anything.
    assert (
        unchanged(system, system.report, contribution, sender=accomplice)
        == "NoValidatedContribution"
    )
    # The creator's own bad data is at risk, too.
    mine = system.add_encoded([4], 0, sender=creator)
    after(system, mine, wait)
    assert unchanged(system, system.report, mine, sender=creator) == "OwnContribution"


# 6. Reputation for free


@both
def test_reputation_takes_a_deposit_and_time(layout: str) -> None:
    system = systems.fresh(layout)
    author = system.evm.accounts[1]
    before = system.evm.balance(author)
    agreed = []
    for _ in range(5):  # what the model predicts anyway, second after second
        agreed.append(system.add_encoded(GOOD, 1, sender=author))
        assert system.num_valid(author) == 0
    locked = before - system.evm.balance(author)
    assert locked == sum(contribution.deposit for contribution in agreed)
    assert locked > 4 * COST_WEIGHT * 3600 // 2
    assert unchanged(system, system.refund, agreed[-1]) == "TooEarly"
    system.wait(2**62)
    assert system.add_encoded(GOOD, 1, sender=author).deposit > 0  # never for nothing


# 7. A price that jumps


@both
def test_a_jump_of_the_price_costs_nobody_more_than_he_allows(layout: str) -> None:
    system = systems.fresh(layout)
    attacker, victim = system.evm.accounts[1:3]
    system.wait(86_400)
    quote = system.cost(86_400)
    system.add_encoded(GOOD, 1, sender=attacker)  # a second before the victim's transaction
    price = system.cost()
    assert price // quote == 293  # floor(sqrt(86,400))
    assert (
        unchanged(system, system.add_encoded, GOOD, 1, sender=victim, max_cost=quote)
        == "DepositTooLow"
    )
    signature = "addDataWithMaxCost(int64[],uint64,uint256)"
    result = send(
        system.evm, system.address, signature, GOOD, 1, quote, sender=victim, value=10 * ETHER
    )
    assert systems.error_of(system, result) == "CostAboveMaximum"
    # Whoever would rather pay than wait sends more along: what is not needed comes back.
    before = system.evm.balance(victim)
    system.wait(4)
    contribution = system.add_encoded(GOOD, 1, sender=victim, max_cost=10 * ETHER)
    assert before - system.evm.balance(victim) == contribution.deposit < price
    for less, error in ((1, "CostAboveMaximum"), (0, "")):
        system.wait(3600)
        most = system.cost(3600) - less
        result = send(system.evm, system.address, signature, GOOD, 1, most, value=ETHER)
        assert systems.error_of(system, result) == error


# 8. Claims that survive a record


def wallet(evm: Evm, owner: str | None = None) -> str:
    """A contract wallet with money."""
    address = evm.deploy(initcode("Wallet")).address
    assert evm.send(address, b"", value=1000 * ETHER, sender=owner).success
    return address


def execute(evm: Evm, through: str, calls: list[tuple[str, int, bytes]]) -> tuple[Any, Any]:
    """Several calls in one transaction, and so in one second."""
    data = abi.selector("execute((address,uint256,bytes)[])")
    result = evm.send(through, data + encode(["(address,uint256,bytes)[]"], [calls]))
    assert result.success
    if not result.output:  # a node does not tell
        return (), ()
    return tuple(decode(["bool[]", "bytes[]"], result.output))


@both
def test_the_same_sample_twice_in_one_second(layout: str) -> None:
    system = systems.fresh(layout)
    author = wallet(system.evm)
    call = abi.add_data_call(GOOD, 1)
    money = COST_WEIGHT * 3600
    success, answers = execute(
        system.evm, author, [(system.address, money, call), (system.address, money, call)]
    )
    assert success == (True, False)
    error, _ = abi.decode_error(answers[1], system.compiled.errors)
    assert error == "ContributionExists"
    (contribution,) = system.contributions()
    assert system.evm.balance(system.address) == contribution.deposit
    # In another second, or with another label, it is another contribution.
    assert execute(system.evm, author, [(system.address, money, call)])[0] == (True,)


def test_the_same_sample_both_ways_in_one_second() -> None:
    """Packed and not are two contributions, each with its deposit; a second one of a kind is refused."""
    system = systems.fresh()
    author = wallet(system.evm)
    assert system.compiled.packing is not None
    packed = system.compiled.packing.pack(GOOD)
    assert packed is not None
    money = COST_WEIGHT * 3600
    arrays = (system.address, money, abi.add_data_call(GOOD, 1))
    bytes_ = (system.address, money, abi.packed_call(abi.ADD_PACKED, packed, 1))
    success, answers = execute(system.evm, author, [arrays, bytes_, arrays, bytes_])
    assert success == (True, True, False, False)
    found = system.contributions()
    assert [contribution.packed for contribution in found] == [None, packed]
    for answer, contribution in zip(answers[2:], found, strict=True):
        key = int.from_bytes(contribution.key, "big")
        assert abi.decode_error(answer, system.compiled.errors) == ("ContributionExists", (key,))
    assert found[1].deposit == money  # in the same second
    deposits = [contribution.deposit for contribution in found]
    assert system.evm.balance(system.address) == sum(deposits)
    after(system, found[0], REFUND_WAIT)
    for contribution, left in zip(found, (deposits[1], 0), strict=True):
        refund = (system.address, 0, system.refund_call(contribution))
        assert execute(system.evm, author, [refund, refund])[0] == (True, False)
        assert system.evm.balance(system.address) == left


@both
def test_a_point_twice_in_one_second_is_one_record(layout: str) -> None:
    system = systems.fresh(layout, "points")
    author = wallet(system.evm)
    call = (system.address, 0, abi.add_data_call(GOOD, 1))
    assert execute(system.evm, author, [call, call])[0] == (True, True)
    contribution = system.contributions()[0]
    after(system, contribution, REFUND_WAIT)
    refund = (system.address, 0, _refund_call(contribution))
    assert execute(system.evm, author, [refund, refund])[0] == (True, False)
    assert system.num_valid(author) == 1


def test_an_overwritten_record_forgets_its_claims() -> None:
    evm = fastest_evm()
    owner = wallet(evm)
    compiled = systems.system("modular")
    (handler,) = (part for part in compiled.contracts if part.name == "DataHandler64")
    at = evm.deploy(handler.initcode).address
    assert send(evm, at, "transferOwnership(address)", owner).success
    author = evm.accounts[5]
    now = evm.timestamp() + 1
    add = systems.calldata("handleAddData(address,uint256,int64[],uint64)", author, 7, GOOD, 1)
    take = systems.calldata("handleRefund(address,int64[],uint64,uint256)", author, GOOD, 1, now)
    calls = [(at, 0, data) for data in (add, add, take, add, take, take)]
    success, answers = execute(evm, owner, calls)
    assert success == (True, False, True, True, True, True)
    first, again, third = (decode(["uint256", "bool", "uint256"], answers[i]) for i in (2, 4, 5))
    assert first == (7, False, 0)
    assert again == (7, False, 0)  # in DCAI: claimed before
    assert third == (0, True, 1)


# 9. Silent wrap-around, division by zero, burnt gas


def test_no_key_is_the_place_of_a_mapping() -> None:
    # Four packed bytes and what follows them in a key are 64, as many as are hashed for a place in a mapping.
    system = systems.fresh()
    contribution = system.add_encoded([0, 1, 2, 3], 1)
    assert contribution.packed is not None and len(contribution.packed) == 4
    hashed = contribution.packed + contribution.classification.to_bytes(8, "big")
    hashed += abi.word(contribution.time) + bytes.fromhex(contribution.author[2:])
    assert len(hashed) == 64
    place = int.from_bytes(keccak(hashed), "big")
    assert system.evm.storage(system.address, place) == 0
    assert system.evm.storage(system.address, (1 << 256) - 1 - place) >> 255 == 1
    assert int.from_bytes(contribution.key, "big") == (1 << 256) - 1 - place


def test_what_is_in_another_slot_is_no_contribution() -> None:
    system = systems.fresh()
    author = system.evm.accounts[1]
    contribution = system.add_encoded(GOOD, 1, sender=author)
    system.wait(REFUND_WAIT)
    system.refund(contribution, sender=author)
    # Owner, totals, records of classes, flags, lanes; and the author's place among the validated.
    place = keccak(abi.word(int(author, 16)) + abi.word(2))
    slots = [*range(20), int.from_bytes(place, "big")]
    stored = system.evm.storage_many(system.address, slots)
    assert stored[0] != 0 and stored[1] != 0 and stored[-1] == 1
    assert any(word >> 255 for word in stored[:-1])
    for slot in slots:
        answer = systems.call(
            system.evm, system.address, "getContribution(bytes32,address)", abi.word(slot), author
        )
        unknown = abi.selector("ContributionUnknown(bytes32)") + abi.word(slot)
        assert not answer.success and answer.output == unknown
        answer = systems.call(system.evm, system.address, "addedData(bytes32)", abi.word(slot))
        assert answer.output == bytes(6 * abi.WORD)


def test_numbers_of_a_packed_record_never_wrap() -> None:
    evm = fastest_evm()
    at = evm.deploy(initcode("Records")).address
    key, claimant, largest = b"\7" * 32, evm.accounts[1], (1 << 80) - 1
    look_up = systems.calldata("look(bytes32)", key)

    def look() -> tuple[Any, ...]:
        return tuple(decode(["uint256", "uint256", "uint256"], evm.call(at, look_up).output))

    unknown = abi.selector("ContributionUnknown(bytes32)") + key
    assert evm.call(at, look_up).output == unknown
    assert not send(evm, at, "open(bytes32,uint256)", key, largest + 1).success
    assert send(evm, at, "open(bytes32,uint256)", key, largest).success
    assert look() == (largest, largest, 0)
    # A record has no mapping around it: the key is the number of its slot.
    assert evm.storage(at, int.from_bytes(key, "big")) >> 255 == 1
    for times in (*[2_000] * 8, 382):
        data = systems.calldata("claims(bytes32,uint256,uint256)", key, 1, times)
        assert evm.send(at, data, sender=claimant).success
    assert look() == (largest, largest - 16_382, 16_382)

    def claim(sender: str, amount: int) -> bool:
        data = systems.calldata("claim(bytes32,uint256)", key, amount)
        return evm.send(at, data, sender=sender).success

    for number in (16_383, 16_383):
        assert claim(claimant, 1)
        assert look()[2] == number
    left = look()[1]
    assert not claim(claimant, left + 1)
    other = evm.accounts[2]
    claimed_by = "claimedBy(bytes32,address)"
    assert systems.call(evm, at, claimed_by, key, other).output == abi.word(0)
    assert claim(other, left)
    assert look() == (largest, 0, 16_383)
    for account, expected in ((claimant, 1), (other, 1), (evm.accounts[3], 0)):
        assert systems.call(evm, at, claimed_by, key, account).output == abi.word(expected)


@both
def test_a_class_without_samples_divides_nothing_by_zero(layout: str) -> None:
    document = {
        "type": "sparse nearest centroid classifier",
        "centroids": {
            "seen": {"centroid": {"0": 0.5, "1": 0.25}, "dataCount": 4},
            "new": {"centroid": {"2": 0.0}, "dataCount": 0},
        },
    }
    compiled = compile_model(document, np.eye(3), encoding="indices", layout=layout)
    system = compiled.deploy(fastest_evm())
    assert system.predict(np.eye(3)).tolist() == ["seen"] * 3
    system.add_encoded([2], 1)
    assert system.predict(np.eye(3)).tolist() == ["seen", "seen", "new"]


# Modular systems, whose parts were somebody's before


def test_nobody_writes_claims_before_the_handing_over() -> None:
    """The deployer owns the parts at first, but they do not work for him, and are handed on once."""
    evm = fastest_evm()
    compiled = systems.system("modular")
    deployer, other = evm.accounts[:2]
    parts = {part.name: part for part in compiled.contracts}
    handler = evm.deploy(parts["DataHandler64"].initcode).address
    incentive = evm.deploy(
        parts["Stakeable64"].initcode
        + encode(
            [argument.type for argument in parts["Stakeable64"].arguments],
            [argument.value for argument in parts["Stakeable64"].arguments],
        )
    ).address

    def error_of(result: Any) -> str:
        return "" if result.success else abi.decode_error(result.output, compiled.errors)[0]

    add = "handleAddData(address,uint256,int64[],uint64)"
    refund = "handleRefund(address,int64[],uint64,uint256,uint256,bool,uint64,uint256)"
    money = (deployer, 5 * ETHER, GOOD, 1)
    reputation = (deployer, GOOD, 1, 0, 1, False, 1, 0)
    assert error_of(send(evm, handler, add, *money)) == "NotOwner"
    assert error_of(send(evm, incentive, refund, *reputation)) == "NotOwner"
    for part in (handler, incentive):
        give = "transferOwnership(address)"
        assert error_of(send(evm, part, give, other, sender=other)) == "NotOwner"
        assert error_of(send(evm, part, give, other)) == ""
        # Whoever could have written claims cannot hand the part to a trainer any more.
        for account in (deployer, other):
            assert error_of(send(evm, part, give, deployer, sender=account)) == "HandedOver"
    assert error_of(send(evm, handler, add, *money)) == "NotOwner"
    assert error_of(send(evm, handler, add, *money, sender=other)) == ""


# Money


@both
def test_contract_wallets_are_paid(layout: str) -> None:
    system = systems.fresh(layout)
    author = wallet(system.evm)
    before = system.evm.balance(author)
    add = abi.add_data_call(GOOD, 1)
    # Overpaid: the rest comes back to a contract that writes to storage on the way.
    assert execute(system.evm, author, [(system.address, 5 * ETHER, add)])[0] == (True,)
    (contribution,) = system.contributions()
    assert before - system.evm.balance(author) == contribution.deposit
    after(system, contribution, REFUND_WAIT)
    refund = (system.address, 0, _refund_call(contribution))
    assert execute(system.evm, author, [refund])[0] == (True,)
    assert system.evm.balance(author) == before


@both
def test_a_receiver_that_refuses_harms_only_itself(layout: str) -> None:
    system = systems.fresh(layout)
    author = wallet(system.evm)
    behave = "behave(uint256,address,bytes)"
    assert send(system.evm, author, behave, 1, author, b"").success
    add = abi.add_data_call(GOOD, 1)
    success, answers = execute(system.evm, author, [(system.address, 5 * ETHER, add)])
    assert success == (False,)
    assert abi.decode_error(answers[0], system.compiled.errors)[0] == "PaymentFailed"
    assert system.evm.balance(system.address) == 0
    assert execute(system.evm, author, [(system.address, system.cost(), add)])[0] == (True,)
    (contribution,) = system.contributions()
    after(system, contribution, REFUND_WAIT)
    refund = (system.address, 0, _refund_call(contribution))
    assert execute(system.evm, author, [refund])[0] == (False,)
    # Everybody else goes on, and the deposit is still there for when it changes its mind.
    other = system.add_encoded(GOOD, 1, sender=system.evm.accounts[2])
    after(system, other, REFUND_WAIT)
    assert system.refund(other) == other.deposit
    assert send(system.evm, author, behave, 0, author, b"").success
    assert execute(system.evm, author, [refund])[0] == (True,)
    assert system.evm.balance(system.address) == 0


@both
@pytest.mark.parametrize("again", ["refund", "report", "addData", "addDataWithMaxCost"])
def test_a_receiver_that_calls_back_gets_nothing(layout: str, again: str) -> None:
    system = systems.fresh(layout)
    author = wallet(system.evm)
    other = system.add_encoded(BAD, 0, sender=system.evm.accounts[3])
    money = system.cost()
    execute(system.evm, author, [(system.address, money, abi.add_data_call(GOOD, 1))])
    contribution = system.contributions()[-1]
    after(system, contribution, REFUND_WAIT)
    refund = _refund_call(contribution)
    key = [other.data, other.classification, other.time, other.author]
    callback = {
        "refund": refund,
        "report": systems.calldata("report(int64[],uint64,uint256,address)", *key),
        "addData": abi.add_data_call(GOOD, 1),
        "addDataWithMaxCost": systems.calldata(
            "addDataWithMaxCost(int64[],uint64,uint256)", GOOD, 1, ETHER
        ),
    }[again]
    behave = "behave(uint256,address,bytes)"
    assert send(system.evm, author, behave, 2, system.address, callback).success
    before = system.evm.balance(author)
    assert execute(system.evm, author, [(system.address, 0, refund)])[0] == (True,)
    assert system.evm.balance(author) - before == contribution.deposit
    answer = systems.call(system.evm, author, "callbackAnswer()").output
    assert decode(["bytes"], answer)[0][:4] == abi.selector("Reentered()")
    assert system.evm.balance(system.address) == other.deposit


@both
def test_money_that_nobody_asked_for_is_not_taken(layout: str) -> None:
    system = systems.fresh(layout)
    for address in set(system.addresses.values()):
        assert not system.evm.send(address, b"", value=1).success
        assert not send(
            system.evm, address, "refund(int64[],uint64,uint256)", GOOD, 1, 0, value=1
        ).success


@both
def test_a_frozen_model_takes_no_money(layout: str) -> None:
    X, y = models.iris()
    compiled = compile_model(
        Perceptron(random_state=0).fit(X, y), X, y, update="frozen", layout=layout
    )
    system = compiled.deploy(fastest_evm())
    sender = system.evm.accounts[1]
    before = system.evm.balance(sender)
    name, _ = refused(system.add_data, X[0], y[0], sender=sender, max_cost=ETHER)
    assert name == "ModelIsFrozen"
    assert system.evm.balance(sender) == before
    assert system.evm.balance(system.address) == 0
    assert system.contributions() == []


@pytest.mark.parametrize("layout", ["fused"])
def test_nobody_teaches_past_the_incentive(layout: str) -> None:
    for layout, error in (("fused", "TeachThroughAddData"), ("modular", "NotOwner")):
        system = systems.fresh(layout)
        for account in system.evm.accounts[:2]:
            result = send(
                system.evm, system.classifier, "update(int64[],uint64)", BAD, 0, sender=account
            )
            assert systems.error_of(system, result) == error


@pytest.mark.parametrize(
    ("price", "gift", "step", "error"),
    [
        (2 * ETHER, 0, "add", "DepositTooLow"),
        (ETHER, ETHER + 1, "refund", "RefundIncomplete"),
        (ETHER, ETHER - 1, "refund", "RefundIncomplete"),
        (ETHER, ETHER + 1, "report", "GrantTooHigh"),
        (ETHER, ETHER, "refund", ""),
        (ETHER, ETHER // 3, "report", ""),
    ],
)
def test_a_third_partys_incentive_cannot_pay_with_other_peoples_money(
    price: int, gift: int, step: str, error: str
) -> None:
    """Our trainer, data handler and classifier with somebody else's incentive mechanism."""
    evm = fastest_evm()
    compiled = systems.system("modular")
    parts = {part.name: part for part in compiled.contracts}
    greedy = evm.deploy(initcode("Greedy") + encode(["uint256", "uint256"], [price, gift])).address
    handler = evm.deploy(parts["DataHandler64"].initcode).address
    classifier = evm.deploy(parts["Words"].initcode).address
    types = ["string", "string", "string", "address", "address", "address"]
    values = ["n", "d", "none", handler, greedy, classifier]
    at = evm.deploy(parts["CollaborativeTrainer64"].initcode + encode(types, values)).address
    for part in (handler, classifier):
        assert send(evm, part, "transferOwnership(address)", at).success
    author, reporter = evm.accounts[1:3]

    def error_of(result: Any) -> str:
        return "" if result.success else abi.decode_error(result.output, compiled.errors)[0]

    result = evm.send(at, abi.add_data_call(GOOD, 1), sender=author, value=ETHER)
    if step == "add":
        assert error_of(result) == error
        return
    assert error_of(result) == ""
    time = evm.timestamp()
    if step == "refund":
        result = send(evm, at, "refund(int64[],uint64,uint256)", GOOD, 1, time, sender=author)
    else:
        signature = "report(int64[],uint64,uint256,address)"
        result = send(evm, at, signature, GOOD, 1, time, author, sender=reporter)
    assert error_of(result) == error
    assert evm.balance(at) == (ETHER if error else ETHER - gift)


def test_a_deployment_that_fails_says_why() -> None:
    system = systems.fresh()
    with pytest.raises(ChainError):
        system.evm.deploy(b"\xfe")
