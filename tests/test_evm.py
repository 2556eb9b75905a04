"""What every test EVM must do alike; each test runs on each backend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from eth_abi import decode
from eth_utils.crypto import keccak

from dcai_compile.errors import ChainError, InvalidOption
from dcai_compile.evm import ACCOUNTS, CallResult, Evm, open_evms
from tests.evm_node import http_node
from tests.evm_probe import INITCODE, RUNTIME, calldata, initcode_of, number

NOBODY = "0x00000000000000000000000000000000DeaDBeef"
TOUCH = calldata("touch()")
RETURN_IT = "5f5260205ff3"  # the word on top of the stack


def add(slot: int, by: int) -> bytes:
    return calldata("add(uint256,uint256)", slot, by)


def open_one(name: str, fork: str = "cancun") -> Evm:
    (evm,) = open_evms(name, fork=fork)
    return evm


@pytest.fixture(params=["revm", "eth-tester", "rpc"])
def evm(request: pytest.FixtureRequest) -> Iterator[Evm]:
    if request.param != "rpc":
        yield open_one(request.param)
        return
    with http_node(open_one("revm")) as node:
        yield open_one(node.url)


@pytest.fixture
def probe(evm: Evm) -> str:
    return evm.deploy(INITCODE).address


def test_accounts_are_funded(evm: Evm) -> None:
    assert len(set(evm.accounts)) >= 10
    assert all(evm.balance(account) == 1_000_000 * 10**18 for account in evm.accounts)
    assert evm.balance(NOBODY) == 0


def test_deploy_gives_a_new_checksummed_address_each_time(evm: Evm) -> None:
    first, second = evm.deploy(INITCODE), evm.deploy(INITCODE)
    other = evm.deploy(INITCODE, sender=evm.accounts[1])
    # keccak(rlp([sender, nonce])) of the first account's first two contracts.
    assert first.address == "0xF2E246BB76DF876Cef8b38ae84130F4F55De395b"
    assert second.address == "0x2946259E0334f33A064106302415aD3391BeD384"
    assert other.address not in {first.address, second.address}
    assert first.gas_used == second.gas_used == other.gas_used > 21_000


@pytest.mark.parametrize("before", [TOUCH, calldata("stop()"), None])
def test_each_transaction_counts_its_senders_nonce(
    evm: Evm, probe: str, before: bytes | None
) -> None:
    if before is None:
        with pytest.raises(ChainError):
            evm.deploy(b"\xfe")
    else:
        evm.send(probe, before)
    # keccak(rlp([sender, 2])) of the first account.
    assert evm.deploy(INITCODE).address == "0xDe09E74d4888Bc4e65F589e8c13Bce9F71DdF4c7"


def test_code_is_exact_and_empty_where_there_is_none(evm: Evm) -> None:
    trailing_zeros = bytes.fromhex("5f00") + bytes(40)
    assert evm.code(evm.deploy(INITCODE).address) == RUNTIME
    assert evm.code(evm.deploy(initcode_of(trailing_zeros)).address) == trailing_zeros
    assert evm.code(evm.accounts[0]) == evm.code(NOBODY) == b""


def test_a_failed_constructor_tells_its_revert_data(evm: Evm) -> None:
    revert_with_ff = bytes.fromhex("60ff5f5260205ffd")
    with pytest.raises(ChainError, match=f"revert data 0x{255:064x}") as caught:
        evm.deploy(revert_with_ff)
    assert caught.value.hint
    with pytest.raises(ChainError) as caught:
        evm.deploy(b"\xfe")
    assert "revert data" not in caught.value.message


def test_code_size_limit(evm: Evm) -> None:
    assert len(evm.code(evm.deploy(initcode_of(bytes(24_576))).address)) == 24_576
    with pytest.raises(ChainError):
        evm.deploy(initcode_of(bytes(24_577)))


def test_initcode_size_limit(evm: Evm) -> None:
    stop = bytes(49_152)
    assert evm.deploy(stop).gas_used > 21_000
    with pytest.raises(ChainError):
        evm.deploy(stop + b"\0")


def test_call_changes_nothing(evm: Evm, probe: str) -> None:
    before = evm.timestamp()
    for _ in range(2):
        assert number(evm.call(probe, add(3, 5)).output) == 5
    assert evm.storage(probe, 3) == 0
    assert evm.timestamp() == before
    assert evm.call(probe, add(3, 5)).logs == ()


def test_call_from_an_account_without_funds(evm: Evm, probe: str) -> None:
    result = evm.call(probe, calldata("refuse(uint256)", 9), sender=NOBODY)
    assert result.output == calldata("Refused(uint256,address)", 9, NOBODY)


@pytest.mark.parametrize("name", ["revm", "eth-tester"])  # a node has a limit of its own
def test_call_may_use_more_gas_than_a_transaction(name: str) -> None:
    (evm,) = open_evms(name)
    gas_left = initcode_of(bytes.fromhex("5a5f5260205ff3"))  # GAS, and return it
    meter = evm.deploy(gas_left).address
    assert 499_000_000 < number(evm.call(meter, b"").output) < 500_000_000
    assert 16_000_000 < number(evm.send(meter, b"").output) < 16_777_216


REVERTS = [
    (
        calldata("refuse(uint256)", 2**256 - 1),
        ("Refused(uint256,address)", 2**256 - 1, ACCOUNTS[0]),
    ),
    (calldata("complain(string)", "é" * 50), ("Error(string)", "é" * 50)),
    (add(1, 2**256 - 1), ("Panic(uint256)", 0x11)),
    (calldata("stop()"), None),
    (b"\0\0\0\0", None),
]


@pytest.mark.parametrize(("data", "error"), REVERTS)
@pytest.mark.parametrize("kind", ["call", "send"])
def test_reverts_are_results_with_exact_data(
    evm: Evm, probe: str, kind: str, data: bytes, error: tuple[Any, ...] | None
) -> None:
    evm.send(probe, add(1, 1))
    result: CallResult = getattr(evm, kind)(probe, data)
    assert not result.success
    assert result.output == (calldata(*error) if error else b"")
    assert result.logs == ()
    assert evm.storage_many(probe, [0, 1]) == [0, 1]


def test_send_changes_state_and_logs(evm: Evm, probe: str) -> None:
    result = evm.send(probe, add(4, 7), sender=evm.accounts[2])
    assert result.success
    assert evm.storage(probe, 4) == 7
    assert number(evm.call(probe, calldata("get(uint256)", 4)).output) == 7
    (log,) = result.logs
    assert log.address == probe
    assert log.topics[0] == keccak(text="Added(address,uint256,uint256,bytes)")
    assert [int.from_bytes(topic, "big") for topic in log.topics[1:]] == [
        int(evm.accounts[2], 16),
        4,
    ]
    assert decode(["uint256", "bytes"], log.data) == (7, add(4, 7))


def test_the_output_of_a_transaction(evm: Evm, probe: str) -> None:
    output = evm.send(probe, add(4, 7)).output
    assert output == b"" if evm.name == "rpc" else number(output) == 7


def test_value_moves(evm: Evm, probe: str) -> None:
    evm.send(probe, calldata("pay()"), value=100)
    assert evm.balance(probe) == 100
    evm.send(probe, calldata("payOut(address,uint256)", NOBODY, 30))
    assert (evm.balance(probe), evm.balance(NOBODY)) == (70, 30)
    assert evm.balance(evm.accounts[0]) == 1_000_000 * 10**18 - 100
    assert not evm.send(probe, calldata("payOut(address,uint256)", NOBODY, 71)).success
    assert not evm.send(probe, TOUCH, value=1).success  # not payable
    assert (evm.balance(probe), evm.balance(NOBODY)) == (70, 30)


def test_a_transaction_beyond_the_funds_is_refused(evm: Evm, probe: str) -> None:
    before = evm.call(probe, calldata("surroundings()")), evm.timestamp()
    with pytest.raises(ChainError) as caught:
        evm.send(probe, calldata("pay()"), value=2_000_000 * 10**18)
    assert caught.value.hint
    assert (evm.call(probe, calldata("surroundings()")), evm.timestamp()) == before
    assert evm.balance(probe) == 0


def test_a_transaction_with_more_data_than_gas_is_refused(evm: Evm, probe: str) -> None:
    with pytest.raises(ChainError):
        evm.send(probe, b"\1" * 1_100_000)
    assert evm.send(probe, add(0, 1)).success


def test_transient_storage_is_empty_in_each_call_and_transaction(evm: Evm, probe: str) -> None:
    for _ in range(2):
        assert number(evm.call(probe, TOUCH).output) == 0
        evm.send(probe, TOUCH)
        assert number(evm.call(probe, TOUCH).output) == 0
        evm.send(probe, calldata("refuse(uint256)", 1))
        assert number(evm.call(probe, TOUCH).output) == 0


def test_slots_are_cold_in_each_call_and_transaction(evm: Evm) -> None:
    # Return the gas between two GAS, of PUSH0, SLOAD, POP and GAS; then add 1 to the slot.
    meter = evm.deploy(initcode_of(bytes.fromhex("5a5f54505a9003" + "5f546001015f55" + RETURN_IT)))
    cold = 2 + 2_100 + 2 + 2
    for _ in range(2):
        assert number(evm.call(meter.address, b"").output) == cold
        evm.storage(meter.address, 0)
    gas = [evm.send(meter.address, b"").gas_used for _ in range(3)]
    # A new slot costs 20,000 to set, one that a former transaction set 2,900.
    assert [gas[0] - gas[1], gas[1] - gas[2]] == [17_100, 0]
    assert number(evm.call(meter.address, b"").output) == cold


def test_accounts_are_cold_in_each_call(evm: Evm, probe: str) -> None:
    # Return the gas between two GAS, of SWAP1, BALANCE, POP and GAS.
    meter = evm.deploy(initcode_of(bytes.fromhex("73" + probe[2:] + "5a9031505a9003" + RETURN_IT)))
    for _ in range(2):
        assert number(evm.call(meter.address, b"").output) == 3 + 2_600 + 2 + 2
        evm.balance(probe)
        evm.code(probe)


def test_what_a_constructor_stores_stays(evm: Evm) -> None:
    # SSTORE(0, 5), then return a runtime that returns the slot.
    runtime = bytes.fromhex("5f54" + RETURN_IT)
    head = bytes.fromhex(f"60055f5560{len(runtime):02x}80600d5f395ff3")
    address = evm.deploy(head + runtime).address
    assert evm.code(address) == runtime
    assert evm.storage(address, 0) == number(evm.call(address, b"").output) == 5


def test_refunds_are_in_the_gas(evm: Evm) -> None:
    # SSTORE(0, CALLDATALOAD(0))
    store = evm.deploy(initcode_of(bytes.fromhex("5f355f5500"))).address
    one, zero = (1).to_bytes(32, "big"), bytes(32)
    assert evm.send(store, one).gas_used == 21_000 + 31 * 4 + 16 + 22_100 + 2 + 3 + 2
    # 5,000 to clear, less 4,800 back.
    assert evm.send(store, zero).gas_used == 21_000 + 32 * 4 + 5_000 + 7 - 4_800


def test_storage_many_keeps_the_order(evm: Evm, probe: str) -> None:
    for slot, value in ((2**256 - 1, 8), (0, 9), (2**128, 10)):
        evm.send(probe, add(slot, value))
    slots = [2**128, 0, 77, 2**256 - 1, 0]
    assert evm.storage_many(probe, slots) == [10, 9, 0, 8, 9]
    assert evm.storage_many(probe, []) == []
    assert evm.storage_many(NOBODY, [1, 2]) == [0, 0]


def test_a_contract_that_creates_another(evm: Evm, probe: str) -> None:
    runtime = bytes.fromhex("5f355f5500")
    data = calldata("create(bytes)", initcode_of(runtime))
    child = "0x" + evm.call(probe, data).output[-20:].hex()
    assert evm.code(child) == b""
    assert evm.send(probe, data).success
    assert evm.code(child) == runtime
    evm.send(child, (5).to_bytes(32, "big"))
    assert evm.storage(child, 0) == 5
    assert evm.call(probe, data).output[-20:] != bytes.fromhex(child[2:])  # its nonce counted


def test_each_transaction_is_in_a_later_block(evm: Evm, probe: str) -> None:
    surroundings = calldata("surroundings()")

    def now() -> tuple[int, int]:
        time, block, *_ = decode(["uint256"] * 6, evm.call(probe, surroundings).output)
        return time, block

    assert now()[0] == evm.timestamp()
    time, block = now()
    evm.send(probe, TOUCH)
    evm.send(probe, calldata("stop()"))
    assert now() == (time + 2, block + 2)


def test_time_is_put_forward_for_the_next_transaction(evm: Evm, probe: str) -> None:
    before = evm.timestamp()
    evm.advance_time(1_000)
    evm.advance_time(86_400)
    assert evm.timestamp() == before
    evm.send(probe, TOUCH)
    assert evm.timestamp() == before + 87_400
    evm.send(probe, TOUCH)
    assert evm.timestamp() == before + 87_401
    evm.advance_time(0)
    evm.deploy(INITCODE)
    assert evm.timestamp() == before + 87_402
    with pytest.raises(InvalidOption, match="put back by 1 s"):
        evm.advance_time(-1)
