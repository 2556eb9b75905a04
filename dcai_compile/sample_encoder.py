"""From a raw sample to the contract's ``int64[]``, with no estimator at hand.

`encoder.json` of an artifact is this encoder in full: what the client prepares (tokens,
vocabulary, scaling), and how numbers then travel. The contract returns the keccak-256 of the
file's bytes as `sampleEncoderHash`, so that a client can prove that it has the right one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from dcai_compile.client_encoder import ClientEncoder
from dcai_compile.encoding import Encoding, as_samples
from dcai_compile.errors import ArtifactInvalid
from dcai_compile.model import IntegerModel

VERSION = 1


@dataclass(frozen=True)
class SampleEncoder:
    """The client's part, or None, and the wire's."""

    client: ClientEncoder | None
    wire: Encoding

    def encode(self, X: Any) -> list[list[int]]:
        """Raw samples as lists of int64; raises `SampleOutOfRange`."""
        n_features = self.wire.n_features
        features = self.client.transform(X) if self.client else as_samples(X, n_features)
        return [sample.tolist() for sample in self.wire.encode(features)]

    def to_json(self) -> bytes:
        """The bytes of `encoder.json`: the same encoder gives the same bytes."""
        facts = {
            "version": VERSION,
            "client": self.client.to_dict() if self.client else None,
            "wire": {**asdict(self.wire), "scale": self.wire.scale},
        }
        return (json.dumps(facts, sort_keys=True, separators=(",", ":")) + "\n").encode()

    @property
    def digest(self) -> bytes:
        """What `sampleEncoderHash` of the contract returns: keccak-256 of `to_json()`."""
        return bytes(keccak(self.to_json()))


def sample_encoder(integers: IntegerModel) -> SampleEncoder:
    """The encoder of a compiled model."""
    return SampleEncoder(integers.model.client, integers.encoding)


def load_encoder(path: str | Path, expected_hash: bytes | None = None) -> SampleEncoder:
    """Read an `encoder.json`; with `expected_hash`, only if the contract's hash is that of the file.

    Raises `ArtifactInvalid`.
    """
    file = Path(path)
    try:
        data = file.read_bytes()
        if expected_hash is not None and keccak(data) != expected_hash:
            raise ValueError(
                f"its keccak-256 is 0x{keccak(data).hex()}, not 0x{expected_hash.hex()}"
            )
        facts = json.loads(data)
        if facts["version"] != VERSION:
            raise ValueError(f"version {facts['version']!r}, expected {VERSION}")
        wire = {key: value for key, value in facts["wire"].items() if key != "scale"}
        client = ClientEncoder.from_dict(facts["client"]) if facts["client"] else None
        return SampleEncoder(client, Encoding(**wire))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactInvalid(
            f"{file}: {error}",
            hint="take encoder.json from the artifact folder that the contract was compiled to",
            path=str(file),
            file=file.name,
        ) from None
