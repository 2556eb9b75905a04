"""Choosing a test EVM, and a node as one."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from dcai_compile.errors import ChainError, InvalidOption
from dcai_compile.evm import Evm, open_evms
from tests.evm_node import http_node, websocket_node
from tests.evm_probe import INITCODE, RUNTIME, calldata, number


def open_one(selector: str) -> Evm:
    (evm,) = open_evms(selector)
    return evm


def hide(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "dcai_compile.evm.find_spec", lambda name: None if name in modules else find(name)
    )


def test_auto_is_revm_then_eth_tester() -> None:
    assert [evm.name for evm in open_evms()] == ["revm", "eth-tester"]
    assert [evm.name for evm in open_evms("revm")] == ["revm"]
    assert [evm.name for evm in open_evms("eth-tester")] == ["eth-tester"]


def test_auto_makes_do_with_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "pyrevm")
    assert [evm.name for evm in open_evms()] == ["eth-tester"]
    hide(monkeypatch, "pyrevm", "eth")
    with pytest.raises(ChainError, match="eth-tester is not installed"):
        open_evms()


def test_an_evm_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "pyrevm")
    with pytest.raises(ChainError, match="revm is not installed") as caught:
        open_evms("revm")
    assert "pip install pyrevm" in caught.value.hint


@pytest.mark.parametrize("selector", ["REVM", "ganache", "", "ftp://localhost", "localhost:8545"])
def test_an_unknown_selector_names_the_choices(selector: str) -> None:
    with pytest.raises(InvalidOption, match=repr(selector)) as caught:
        open_evms(selector)
    assert caught.value.value == selector
    assert all(name in caught.value.hint for name in ("auto", "revm", "eth-tester", "http"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_a_node_that_does_not_answer(scheme: str) -> None:
    place = f"127.0.0.1:{free_port()}"
    with pytest.raises(ChainError) as caught:
        open_evms(f"{scheme}://user:secret@{place}/v3/secret?key=secret")
    assert f"{scheme}://{place}" in caught.value.message
    assert "secret" not in str(caught.value)
    assert "user" not in str(caught.value)
    assert caught.value.hint


def test_a_node_that_goes_away() -> None:
    with http_node(open_one("revm")) as node:
        evm = open_one(node.url)
        address = evm.deploy(INITCODE).address
    with pytest.raises(ChainError, match="does not answer"):
        evm.call(address, b"")
    with pytest.raises(ChainError, match="does not answer"):
        evm.storage_many(address, [0])


def test_storage_is_read_in_batches() -> None:
    with http_node(open_one("revm")) as node:
        evm = open_one(node.url)
        address = evm.deploy(INITCODE).address
        evm.send(address, calldata("add(uint256,uint256)", 600, 3))
        values = evm.storage_many(address, range(1_200))
        assert node.batches == [500, 500, 200]
        assert values == [0] * 600 + [3] + [0] * 599


def test_a_node_over_a_websocket() -> None:
    with websocket_node(open_one("revm")) as node:
        evm = open_one(node.url)
        address = evm.deploy(INITCODE).address
        assert evm.code(address) == RUNTIME
        assert evm.send(address, calldata("add(uint256,uint256)", 2, 3)).success
        assert evm.storage_many(address, [1, 2]) == [0, 3]


def test_revert_data_without_traces() -> None:
    with http_node(open_one("revm"), without=("debug_traceTransaction",)) as node:
        evm = open_one(node.url)
        address = evm.deploy(INITCODE).address
        result = evm.send(address, calldata("refuse(uint256)", 3))
        assert result.output == calldata("Refused(uint256,address)", 3, evm.accounts[0])


def test_clocks_of_nodes() -> None:
    with http_node(open_one("revm"), without=("evm_setNextBlockTimestamp",)) as node:
        evm = open_one(node.url)
        before = evm.timestamp()
        evm.advance_time(500)
        evm.deploy(INITCODE)
        assert evm.timestamp() == before + 500
    neither = ("evm_setNextBlockTimestamp", "evm_increaseTime")
    with http_node(open_one("revm"), without=neither) as node:
        evm = open_one(node.url)
        before = evm.timestamp()
        with pytest.raises(ChainError, match="clock"):
            evm.advance_time(500)
        node.without = ()
        evm.advance_time(7)
        evm.deploy(INITCODE)
        assert evm.timestamp() == before + 7


@pytest.mark.parametrize("method", ["eth_call", "eth_getStorageAt", "eth_getCode"])
def test_what_a_node_refuses_is_no_revert(method: str) -> None:
    with http_node(open_one("revm"), without=(method,)) as node:
        evm = open_one(node.url)
        address = evm.deploy(INITCODE).address
        ask = {
            "eth_call": lambda: evm.call(address, b""),
            "eth_getStorageAt": lambda: evm.storage(address, 0),
            "eth_getCode": lambda: evm.code(address),
        }[method]
        with pytest.raises(ChainError, match=f"refused {method}: Method not found"):
            ask()


def test_a_node_without_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_node(open_one("revm")) as node:
        monkeypatch.setattr(node, "eth_accounts", list)
        with pytest.raises(ChainError, match="no unlocked account"):
            open_evms(node.url)


@pytest.fixture
def anvil() -> Iterator[str]:
    program = shutil.which("anvil")
    if program is None:
        pytest.skip("anvil is not installed")
    port = free_port()
    process = subprocess.Popen([program, "--silent", "--port", str(port)])
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.node
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_a_real_node(anvil: str, scheme: str) -> None:
    evm = open_one(scheme + anvil)
    address = evm.deploy(INITCODE).address
    assert evm.code(address) == RUNTIME
    sent = evm.send(address, calldata("add(uint256,uint256)", 2, 3))
    assert (sent.success, len(sent.logs)) == (True, 1)
    assert evm.storage_many(address, range(700))[:4] == [0, 0, 3, 0]
    refused = calldata("Refused(uint256,address)", 9, evm.accounts[0])
    for result in (
        evm.call(address, calldata("refuse(uint256)", 9)),
        evm.send(address, calldata("refuse(uint256)", 9)),
    ):
        assert (result.success, result.output) == (False, refused)
    stopped = evm.call(address, calldata("stop()"))
    assert (stopped.success, stopped.output) == (False, b"")
    before = evm.timestamp()
    evm.advance_time(86_400)
    evm.advance_time(100)
    evm.send(address, calldata("touch()"))
    assert evm.timestamp() == before + 86_500
    assert number(evm.call(address, calldata("touch()")).output) == 0
    with pytest.raises(ChainError, match="revert data"):
        evm.deploy(bytes.fromhex("60ff5f5260205ffd"))
    with pytest.raises(ChainError, match="refused eth_sendTransaction"):
        evm.send(address, calldata("pay()"), value=10**30)
