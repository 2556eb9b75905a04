"""A JSON-RPC node on loopback, played by a test EVM: what the `rpc` backend is tested on.

It answers as anvil does, on HTTP and on WebSockets, with blocks, receipts and revert data;
`without` takes methods away, for what a plainer node lacks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from websockets.sync.server import ServerConnection, serve

from dcai_compile.errors import ChainError
from dcai_compile.evm import CallResult, Evm


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


class Node:
    """The methods that `rpc` uses, over the test EVM `evm`."""

    def __init__(self, evm: Evm, *, without: tuple[str, ...] = ()) -> None:
        self.evm = evm
        self.without = without
        self.batches: list[int] = []
        self.url = ""
        self._next_time: int | None = None
        self._results: dict[str, tuple[CallResult, str | None, int]] = {}

    def answer(self, body: str | bytes) -> bytes:
        request = json.loads(body)
        if isinstance(request, list):
            self.batches.append(len(request))
            # Answers of a batch may come in any order.
            return json.dumps([self._one(each) for each in reversed(request)]).encode()
        return json.dumps(self._one(request)).encode()

    def _one(self, request: dict[str, Any]) -> dict[str, Any]:
        method: Callable[..., Any] | None = getattr(self, request["method"], None)
        reply = {"jsonrpc": "2.0", "id": request["id"]}
        if method is None or request["method"] in self.without:
            return reply | {"error": {"code": -32601, "message": "Method not found"}}
        try:
            return reply | {"result": method(*request["params"])}
        except ChainError as error:
            return reply | {"error": {"code": -32003, "message": error.message}}
        except ExecutionError as error:
            return reply | {"error": error.args[0]}

    def eth_accounts(self) -> list[str]:
        return [account.lower() for account in self.evm.accounts]

    def eth_call(self, transaction: dict[str, str], block: str) -> str:
        assert block == "latest" or int(block, 16) >= 0
        result = self.evm.call(
            transaction["to"], _bytes(transaction["data"]), sender=transaction["from"]
        )
        if result.success:
            return "0x" + result.output.hex()
        if not result.output:
            raise ExecutionError({"code": -32603, "message": "EVM error InvalidFEOpcode"})
        data = "0x" + result.output.hex()
        raise ExecutionError({"code": 3, "message": "execution reverted", "data": data})

    def eth_sendTransaction(self, transaction: dict[str, str]) -> str:
        assert int(transaction["gas"], 16) <= 16_777_216
        sender, data = transaction["from"], _bytes(transaction["data"])
        if self._next_time is not None:
            self.evm.advance_time(self._next_time - self.evm.timestamp())
            self._next_time = None
        created = None
        if "to" in transaction:
            value = int(transaction["value"], 16)
            result = self.evm.send(transaction["to"], data, sender=sender, value=value)
        else:
            try:
                deployed = self.evm.deploy(data, sender=sender)
                created, result = deployed.address, CallResult(True, b"", deployed.gas_used)
            except ChainError as error:
                revert = error.message.partition("revert data ")[2]
                result = CallResult(False, _bytes(revert), 0)
        transaction_hash = f"0x{len(self._results) + 1:064x}"
        self._results[transaction_hash] = result, created, len(self._results) + 1
        return transaction_hash

    def eth_getTransactionReceipt(self, transaction_hash: str) -> dict[str, Any]:
        result, created, number = self._results[transaction_hash]
        logs = [
            {
                "address": log.address.lower(),
                "topics": ["0x" + topic.hex() for topic in log.topics],
                "data": "0x" + log.data.hex(),
            }
            for log in result.logs
        ]
        return {
            "status": hex(result.success),
            "gasUsed": hex(result.gas_used),
            "contractAddress": created and created.lower(),
            "blockNumber": hex(number),
            "logs": logs,
        }

    def debug_traceTransaction(self, transaction_hash: str, how: dict[str, str]) -> dict[str, str]:
        assert how == {"tracer": "callTracer"}
        result, _, _ = self._results[transaction_hash]
        return {"output": "0x" + result.output.hex()} if result.output else {}

    def eth_getStorageAt(self, address: str, slot: str, block: str) -> str:
        return f"0x{self.evm.storage(address, int(slot, 16)):064x}"

    def eth_getCode(self, address: str, block: str) -> str:
        return "0x" + self.evm.code(address).hex()

    def eth_getBalance(self, address: str, block: str) -> str:
        return hex(self.evm.balance(address))

    def eth_getBlockByNumber(self, number: str, full: bool) -> dict[str, str]:
        return {"timestamp": hex(self.evm.timestamp()), "gasLimit": hex(30_000_000)}

    def evm_setNextBlockTimestamp(self, at: int) -> None:
        self._next_time = at

    def evm_increaseTime(self, seconds: int) -> int:
        self.evm.advance_time(seconds)
        return seconds


class ExecutionError(Exception):
    """An execution that failed, as the error object of the answer."""


@contextmanager
def http_node(evm: Evm, *, without: tuple[str, ...] = ()) -> Iterator[Node]:
    node = Node(evm, without=without)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = node.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    node.url = f"http://127.0.0.1:{server.server_port}"
    with _running(lambda: server.serve_forever(poll_interval=0.01), server.shutdown):
        yield node
    server.server_close()


@contextmanager
def websocket_node(evm: Evm) -> Iterator[Node]:
    node = Node(evm)

    def converse(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(node.answer(message), text=True)

    with serve(converse, "127.0.0.1", 0) as server:
        node.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        with _running(server.serve_forever, server.shutdown):
            yield node


@contextmanager
def _running(run: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()
