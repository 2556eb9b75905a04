"""A node: JSON-RPC over HTTP or a WebSocket, with errors in words and patience for a bad line.

Requests go straight to the provider. Web3's own methods turn a revert into an exception and its
data into a message, and the exact revert data is what is wanted here.

What only reads is asked again when the line fails (no answer, 429, 500, half an answer). A signed
transaction may be sent again too, as it is the same one. An order to a node that signs itself is
never repeated: it would be a second transaction.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, cast
from urllib.parse import urlsplit

from web3 import HTTPProvider
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from dcai_compile.chain.answers import OddAnswer, checked
from dcai_compile.errors import ChainError, InvalidOption

BATCH = 500
"""Requests in one batch; nodes and proxies commonly refuse more than 1,000."""
BATCH_BYTES = 500_000
"""Of one batch, about; anvil refuses more than 2 MB."""

TIMEOUT = 60.0
"""Seconds to wait for an answer, or for a transaction to be mined."""

PAUSES = (0.1, 0.3, 1.0, 2.0)
"""Seconds between one try and the next."""

# What the transports raise without an answer in JSON; requests' own errors are OSErrors.
NO_ANSWER = (OSError, ValueError, WebSocketException)

ONCE = frozenset({"eth_sendTransaction", "personal_sendTransaction"})
"""What is never asked twice."""

BUSY = (-32005, 429)
"""Error codes by which providers say that too much was asked in too short a time."""


class Node:
    """JSON-RPC to one node."""

    def __init__(self, url: str, *, patient: bool = True) -> None:
        self.place = "that URL"
        self._pauses = PAUSES if patient else ()
        try:
            self.place = without_secrets(url)
            self._provider = _provider(url)
        except NO_ANSWER as error:
            raise self._unreachable(error) from None

    @classmethod
    def of_provider(cls, provider: object) -> Node:
        """The node behind a provider of web3, which must speak JSON-RPC."""
        if not isinstance(provider, JSONBaseProvider):
            raise InvalidOption(
                f"{type(provider).__name__} is not a connection to a node",
                hint="pass Web3(HTTPProvider(url)) or the URL; a test EVM as "
                "open_evms('eth-tester')[0]",
                option="w3",
                value=provider,
            )
        node = cls.__new__(cls)
        node.place = without_secrets(str(getattr(provider, "endpoint_uri", "")))
        node._pauses = PAUSES
        node._provider = provider
        return node

    def ask(self, method: str, *params: Any) -> Any:
        """The result of one request. Raises `ChainError` where the node refuses or does not answer."""
        answer = self.answer(method, *params)
        if "error" in answer:
            raise self.refusal(method, answer)
        return answer["result"]

    def answer(self, method: str, *params: Any) -> RPCResponse:
        """Result or error of one request. Raises `ChainError` where there is neither."""
        answer: RPCResponse = self._patiently(
            lambda: checked(method, self._provider.make_request(RPCEndpoint(method), list(params))),
            () if method in ONCE else self._pauses,
        )
        return answer

    def ask_many(self, requests: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """The results of many requests that read, in their order, by batches."""
        results: list[Any] = []
        for batch in batches(requests):
            results += self._ask_batch(batch)
        return results

    def _ask_batch(self, requests: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        batch: list[tuple[RPCEndpoint, Any]] = [(RPCEndpoint(name), p) for name, p in requests]

        def once() -> Any:
            answers: Any = self._provider.make_batch_request(batch)
            if isinstance(answers, Mapping):  # the batch as a whole is refused
                return checked("", answers)
            if not isinstance(answers, list) or len(answers) != len(requests):
                raise OddAnswer("a batch is answered with more or less than it asks")
            return [
                checked(method, answer)
                for (method, _), answer in zip(requests, answers, strict=True)
            ]

        answers: Any = self._patiently(once, self._pauses)
        if not isinstance(answers, list):
            if len(requests) == 1 or _is_busy(answers):
                raise self.refusal(requests[0][0], answers)
            half = len(requests) // 2  # many nodes take a few at a time only
            return self._ask_batch(requests[:half]) + self._ask_batch(requests[half:])
        for answer in answers:
            if "error" in answer:
                raise self.refusal(requests[0][0], answer)
        return [answer["result"] for answer in answers]

    def _patiently(self, request: Any, pauses: Sequence[float]) -> Any:
        for pause in (*pauses, None):
            try:
                answer = request()
            except NO_ANSWER as error:
                if pause is None:
                    raise self._unreachable(error) from None
            else:
                if pause is None or not _is_busy(answer):
                    return answer
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def refusal(self, method: str, answer: Mapping[str, Any]) -> ChainError:
        """The `ChainError` of an answer that is an error."""
        return ChainError(
            f"the node at {self.place} refused {method}: {error_message(answer)}",
            hint="check the sender, its funds, and what the node supports",
        )

    def _unreachable(self, error: Exception) -> ChainError:
        if isinstance(error, OddAnswer):
            return ChainError(
                f"the node at {self.place} gives an odd answer: {error}",
                hint="try again, or use another node",
            )
        # The cause's text is left out, and the cause itself too: both quote the whole URL.
        return ChainError(
            f"the node at {self.place} does not answer ({type(error).__name__})",
            hint="check the URL, and that the node is running",
        )


def batches(
    requests: Sequence[tuple[str, list[Any]]],
) -> Iterator[Sequence[tuple[str, list[Any]]]]:
    """`requests` in their order, as many at a time as a node takes."""
    start = size = 0
    for number, request in enumerate(requests):
        length = len(str(request))
        if number - start == BATCH or (size and size + length > BATCH_BYTES):
            yield requests[start:number]
            start, size = number, 0
        size += length
    if size:
        yield requests[start:]


class _WebSocket(JSONBaseProvider):
    """Requests over one WebSocket, one after the other; web3's own provider is async only."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        # Kept open for as long as this object lives; `connect` wants to be entered all the same.
        self._open = ExitStack()
        self._socket: ClientConnection | None = self._connect()

    def _connect(self) -> ClientConnection:
        return self._open.enter_context(
            connect(self._url, open_timeout=TIMEOUT, close_timeout=1, max_size=None)
        )

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        return cast(RPCResponse, self._exchange(self.encode_rpc_request(method, params)))

    def make_batch_request(
        self, requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        answers = self._exchange(self.encode_batch_rpc_request(requests))
        return sorted(answers, key=_id) if isinstance(answers, list) else answers

    def _exchange(self, request: bytes) -> Any:
        """The answer to this request: one to an earlier one may come late, or twice."""
        if self._socket is None:
            self._socket = self._connect()
        wanted = _ids(json.loads(request))
        deadline = time.monotonic() + TIMEOUT
        try:
            self._socket.send(request, text=True)
            while True:
                left = max(0.0, deadline - time.monotonic())
                answer: Any = self.decode_rpc_response(self._socket.recv(left, decode=False))
                # One without an id says that a request could not be read at all.
                if _ids(answer) & (wanted | {None}):
                    return answer
        except NO_ANSWER:
            # A line that has failed once is not used again.
            self._open.close()
            self._socket = None
            raise


def _provider(url: str) -> JSONBaseProvider:
    if url.startswith("ws"):
        return _WebSocket(url)
    # No retries: a development node that does not answer is not running, and a transaction that
    # is sent twice is two.
    return HTTPProvider(
        url, request_kwargs={"timeout": TIMEOUT}, exception_retry_configuration=None
    )


def without_secrets(url: str) -> str:
    """Scheme, host and port: user info, and often the path or query, hold a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _id(answer: Any) -> int:
    found = answer.get("id") if isinstance(answer, Mapping) else None
    return found if isinstance(found, int) else -1


def _ids(message: Any) -> set[int | None]:
    """The ids in a request or an answer, None where one has none."""
    parts = message if isinstance(message, list) else [message]
    found = [_id(part) for part in parts]
    return {None if number < 0 else number for number in found}


def _is_busy(answer: Any) -> bool:
    if isinstance(answer, list):
        return any(map(_is_busy, answer))
    error = answer.get("error") if isinstance(answer, Mapping) else None
    return isinstance(error, Mapping) and error.get("code") in BUSY


def error_message(answer: Mapping[str, Any]) -> str:
    """What an answer that is an error says."""
    error = answer.get("error", "an answer without result")
    return str(error.get("message", error)) if isinstance(error, Mapping) else str(error)


def revert_data(answer: Mapping[str, Any]) -> bytes | None:
    """The revert data in an error: geth and anvil give the bytes, Hardhat an object around them."""
    error = answer["error"]
    data: Any = error.get("data") if isinstance(error, Mapping) else None
    if isinstance(data, Mapping):
        data = data.get("data")
    try:
        return hex_bytes(data) if isinstance(data, str) and data.startswith("0x") else None
    except ValueError:
        return None


def hex_bytes(text: str) -> bytes:
    """The bytes of a hexadecimal string with 0x before it."""
    return bytes.fromhex(text.removeprefix("0x"))
