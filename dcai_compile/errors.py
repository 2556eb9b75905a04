"""What can go wrong, drawn as a tree.

Everything that a user can cause and mend is a `DcaiError`; everything that only we can
mend is a `CompilerPanic`, which stands outside that tree on purpose, so that no
``except DcaiError`` ever hides a bug of ours.

    DcaiError
    ├── UnsupportedModel        the estimator, or one of its settings, has no contract
    │   ├── NotFitted           it was never trained
    │   ├── UnsupportedStep     its training step, schedule or penalty is not reproduced on chain
    │   └── ModelNotFinite      a parameter is NaN or infinite
    ├── InvalidOption           an option's value makes no sense, alone or beside another
    │   └── InvalidName         a contract, class or feature name that cannot go on chain
    ├── InputInvalid            a model or data file cannot be read
    │   └── UntrustedPickle     reading it would run code, and nobody allowed that
    ├── PrecisionUnreachable    no lane is wide enough to keep a calibration sample's class
    ├── OverflowPossible        the horizon of updates cannot be proved safe
    ├── SampleOutOfRange        a sample that the contract's encoding cannot carry
    ├── SolcUnavailable         there is no Solidity compiler, and none can be fetched
    ├── SolcFailed              the Solidity compiler refused
    ├── ContractTooLarge        the code does not fit under a chain's limit
    ├── GasLimitExceeded        a call that people will need costs more than a transaction has
    ├── ArtifactInvalid         an artifact folder is damaged, foreign or of another version
    └── ChainError              a node, or a test EVM, did not do what was asked
        ├── DeploymentMismatch  what is deployed there is not this artifact
        └── TransactionRefused  a contract refuses what was asked of it

    CompilerPanic               our bug
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

__all__ = [
    "ArtifactInvalid",
    "ChainError",
    "CompilerPanic",
    "ContractTooLarge",
    "DcaiError",
    "DeploymentMismatch",
    "GasLimitExceeded",
    "InputInvalid",
    "InvalidName",
    "InvalidOption",
    "ModelNotFinite",
    "NotFitted",
    "OverflowPossible",
    "PrecisionUnreachable",
    "SampleOutOfRange",
    "SolcFailed",
    "SolcUnavailable",
    "TransactionRefused",
    "UnsupportedModel",
    "UnsupportedStep",
    "UntrustedPickle",
]


@dataclass(eq=False)
class DcaiError(Exception):
    """A mistake that the user can mend.

    `message` says what is wrong and names the offending value, `hint` is the way out as an
    instruction; the further fields of each subclass are the values behind the message, for
    programs.
    """

    message: str
    hint: str = field(default="", kw_only=True)

    exit_code: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


@dataclass(eq=False)
class UnsupportedModel(DcaiError):
    """The estimator, or one of its settings, has no contract."""

    estimator: str = field(default="", kw_only=True)


@dataclass(eq=False)
class NotFitted(UnsupportedModel):
    """The estimator was never trained."""


@dataclass(eq=False)
class UnsupportedStep(UnsupportedModel):
    """A training step that the contract does not reproduce."""

    setting: str = field(default="", kw_only=True)


@dataclass(eq=False)
class ModelNotFinite(UnsupportedModel):
    """A parameter is NaN or infinite; `index` is its place in the parameter's array."""

    parameter: str = field(default="", kw_only=True)
    index: tuple[int, ...] = field(default=(), kw_only=True)
    value: float = field(default=0.0, kw_only=True)


@dataclass(eq=False)
class InvalidOption(DcaiError):
    """An option's value makes no sense, alone or beside another."""

    option: str = field(default="", kw_only=True)
    value: object = field(default=None, kw_only=True)


@dataclass(eq=False)
class InvalidName(InvalidOption):
    """A name that cannot go on chain; `position` is the offending character's."""

    position: int = field(default=0, kw_only=True)


@dataclass(eq=False)
class InputInvalid(DcaiError):
    """A model or data file cannot be read."""

    path: str = field(default="", kw_only=True)


@dataclass(eq=False)
class UntrustedPickle(InputInvalid):
    """Reading the file would run code that came with it."""


@dataclass(eq=False)
class PrecisionUnreachable(DcaiError):
    """No lane up to `bits` wide keeps the class of calibration sample `sample`."""

    sample: int = field(default=-1, kw_only=True)
    margin: float = field(default=0.0, kw_only=True)
    bound: float = field(default=0.0, kw_only=True)
    bits: int = field(default=0, kw_only=True)


@dataclass(eq=False)
class OverflowPossible(DcaiError):
    """Only `proved` of the `horizon` updates asked for are proved safe."""

    horizon: int = field(default=0, kw_only=True)
    proved: int = field(default=0, kw_only=True)


@dataclass(eq=False)
class SampleOutOfRange(DcaiError):
    """The encoding cannot carry feature `feature` of sample `sample`."""

    sample: int = field(default=-1, kw_only=True)
    feature: int = field(default=-1, kw_only=True)
    value: float = field(default=0.0, kw_only=True)
    limit: float = field(default=0.0, kw_only=True)


@dataclass(eq=False)
class SolcUnavailable(DcaiError):
    """No Solidity compiler of `version`; `tried` lists every place looked at."""

    version: str = field(default="", kw_only=True)
    tried: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(eq=False)
class SolcFailed(DcaiError):
    """The Solidity compiler refused, with these diagnostics."""

    diagnostics: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(eq=False)
class ContractTooLarge(DcaiError):
    """Code of `size` bytes where a chain takes `limit`."""

    contract: str = field(default="", kw_only=True)
    size: int = field(default=0, kw_only=True)
    limit: int = field(default=0, kw_only=True)


@dataclass(eq=False)
class GasLimitExceeded(DcaiError):
    """A sample of `length` elements needs `gas` where a transaction has `limit`; 0 is not known."""

    gas: int = field(default=0, kw_only=True)
    limit: int = field(default=0, kw_only=True)
    length: int = field(default=0, kw_only=True)


@dataclass(eq=False)
class ArtifactInvalid(DcaiError):
    """An artifact folder that is damaged, foreign or of another version."""

    path: str = field(default="", kw_only=True)
    file: str = field(default="", kw_only=True)


@dataclass(eq=False)
class ChainError(DcaiError):
    """A node or a test EVM did not do what was asked; `revert_data` is what it reverted with."""

    revert_data: bytes = field(default=b"", kw_only=True)


@dataclass(eq=False)
class DeploymentMismatch(ChainError):
    """What stands at `address` is not this artifact."""

    address: str = field(default="", kw_only=True)
    expected: str = field(default="", kw_only=True)
    found: str = field(default="", kw_only=True)


@dataclass(eq=False)
class TransactionRefused(ChainError):
    """A contract refuses, with the custom error `error` and its `values`. Nothing was sent."""

    error: str = field(default="", kw_only=True)
    values: tuple[int, ...] = field(default=(), kw_only=True)


class CompilerPanic(Exception):
    """A bug of dcai_compile: never caught, never the user's fault; please report it."""

    exit_code: ClassVar[int] = 70
