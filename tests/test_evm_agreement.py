"""The built-in test EVMs agree with each other, and stand at the fork that was asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pyrevm
import pytest
from eth_tester.backends.pyevm.main import get_default_account_keys
from hypothesis import given, settings
from hypothesis import strategies as st

from dcai_compile.errors import ChainError, InvalidOption
from dcai_compile.evm import ACCOUNTS, Evm, open_evms
from dcai_compile.evm_revm import RevmEvm
from tests.evm_probe import INITCODE, calldata, initcode_of

NOBODY = "0x00000000000000000000000000000000DeaDBeef"
TOUCH = calldata("touch()")

# Store and load transient slot 0; copy a word of memory onto another.
TRANSIENT = bytes.fromhex("60075f5d5f5c5f5260205ff3")
MCOPY = bytes.fromhex("60075f5260205f60205e60206020f3")


def open_one(name: str, fork: str = "cancun") -> Evm:
    (evm,) = open_evms(name, fork=fork)
    return evm


@pytest.mark.parametrize("fork", ["cancun", "prague"])
@pytest.mark.parametrize("name", ["revm", "eth-tester"])
@pytest.mark.parametrize("runtime", [TRANSIENT, MCOPY])
def test_the_fork_has_transient_storage_and_mcopy(name: str, fork: str, runtime: bytes) -> None:
    evm = open_one(name, fork)
    result = evm.call(evm.deploy(initcode_of(runtime)).address, b"")
    assert result.success
    assert result.output == (7).to_bytes(32, "big")


@pytest.mark.parametrize("name", ["revm", "eth-tester"])
@pytest.mark.parametrize("fork", ["CANCUN", "shanghai", "osaka", ""])
def test_other_forks_are_refused(name: str, fork: str) -> None:
    with pytest.raises(InvalidOption, match="cancun, prague") as caught:
        open_evms(name, fork=fork)
    assert caught.value.value == fork


@pytest.mark.parametrize(
    ("spec", "runs"),
    [("Shanghai", False), ("SHANGHAI", True), ("nonsense", True), ("Cancun", True)],
)
def test_pyrevm_takes_any_fork_name_silently(spec: str, runs: bool) -> None:
    """Why the fork goes through a table: a name that pyrevm does not know is its latest rules."""
    evm = pyrevm.EVM(spec_id=spec, gas_limit=10**9)
    evm.insert_account_info(NOBODY, pyrevm.AccountInfo(code=TRANSIENT))
    if runs:
        assert evm.message_call(ACCOUNTS[0], NOBODY, b"")[-1] == 7
    else:
        with pytest.raises(RuntimeError, match="NotActivated"):
            evm.message_call(ACCOUNTS[0], NOBODY, b"")


def test_the_accounts_are_eth_testers() -> None:
    keys = get_default_account_keys()
    assert tuple(key.public_key.to_checksum_address() for key in keys) == ACCOUNTS


@pytest.mark.parametrize("fork", ["cancun", "prague"])
@pytest.mark.parametrize("name", ["revm", "eth-tester"])
@pytest.mark.parametrize("byte", [0, 1])
def test_prague_has_a_floor_under_calldata(name: str, fork: str, byte: int) -> None:
    evm, data = open_one(name, fork), bytes([byte]) * 1_000
    per_byte = {"cancun": (4, 16), "prague": (10, 40)}[fork][byte]
    result = evm.send(NOBODY, data)
    assert result.gas_used == 21_000 + 1_000 * per_byte
    assert evm.call(NOBODY, data).gas_used == result.gas_used


@pytest.mark.parametrize("name", ["revm", "eth-tester"])
def test_the_floor_must_fit_into_a_transaction_at_prague(name: str) -> None:
    fits = (16_777_216 - 21_000) // 40
    assert open_one(name, "prague").send(NOBODY, b"\1" * fits).success
    assert open_one(name, "cancun").send(NOBODY, b"\1" * (fits + 1)).success
    with pytest.raises(ChainError, match=f"{fits + 1} bytes"):
        open_one(name, "prague").send(NOBODY, b"\1" * (fits + 1))


def test_code_that_revm_has_not_analysed() -> None:
    evm = RevmEvm()
    evm._evm.insert_account_info(NOBODY, pyrevm.AccountInfo(code=TRANSIENT + bytes(40)))
    assert evm.code(NOBODY) == TRANSIENT + bytes(40)


@pytest.mark.parametrize("fork", ["cancun", "prague"])
def test_both_evms_are_set_up_alike(fork: str) -> None:
    revm, tester = open_one("revm", fork), open_one("eth-tester", fork)
    assert revm.accounts == tester.accounts
    deployed = tester.deploy(INITCODE)
    assert revm.deploy(INITCODE) == deployed
    surroundings = calldata("surroundings()")
    for kind in ("call", "send", "call"):
        one, other = (getattr(evm, kind)(deployed.address, surroundings) for evm in (revm, tester))
        assert one.success
        assert one == other


SLOTS = [0, 2**256 - 1]
WRITES = st.builds(
    lambda name, slot, value: calldata(f"{name}(uint256,uint256)", slot, value),
    st.sampled_from(["add", "set"]),
    st.sampled_from(SLOTS),
    st.sampled_from([0, 1, 2, 2**256 - 1]),
)
DATA = st.one_of(
    WRITES,
    st.just(TOUCH),
    st.builds(lambda count: calldata("refuse(uint256)", count), st.integers(0, 9)),
    st.builds(lambda why: calldata("complain(string)", why), st.text(max_size=40)),
    st.builds(lambda n: calldata("payOut(address,uint256)", NOBODY, n), st.integers(0, 9)),
    st.builds(lambda code: calldata("create(bytes)", code), st.binary(max_size=40)),
    st.builds(lambda n: calldata("spin(uint256)", n), st.integers(0, 50)),
    st.just(calldata("surroundings()")),
    st.binary(max_size=300),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 2), WRITES, st.just(0)),
        st.tuples(st.just("call"), st.integers(0, 2), DATA, st.just(0)),
        st.tuples(st.just("send"), st.integers(0, 2), DATA, st.sampled_from([0, 0, 0, 1])),
        st.tuples(
            st.just("send"), st.integers(0, 2), st.just(calldata("pay()")), st.integers(0, 9)
        ),
        st.tuples(st.just("advance"), st.integers(0, 100_000), st.just(b""), st.just(0)),
    ),
    max_size=12,
)


def walk(evm: Evm, steps: list[tuple[str, int, bytes, int]]) -> Iterator[object]:
    """Everything that can be seen of `evm` after each of the steps."""
    address = evm.deploy(INITCODE).address
    for kind, which, data, value in steps:
        if kind == "advance":
            evm.advance_time(which)
        elif kind == "call":
            yield evm.call(address, data, sender=evm.accounts[which])
        else:
            yield evm.send(address, data, sender=evm.accounts[which], value=value)
        yield evm.storage_many(address, SLOTS)
        yield [evm.balance(each) for each in (address, NOBODY, *evm.accounts[:3])]
        yield evm.timestamp()
    yield [evm.deploy(INITCODE, sender=account) for account in evm.accounts[:3]]


@settings(max_examples=100, deadline=None)
@given(steps=STEPS, fork=st.sampled_from(["cancun", "prague"]))
def test_both_evms_agree_on_everything(steps: list[tuple[str, int, bytes, int]], fork: str) -> None:
    revm, tester = open_one("revm", fork), open_one("eth-tester", fork)
    for one, other in zip(walk(revm, steps), walk(tester, steps), strict=True):
        assert one == other
