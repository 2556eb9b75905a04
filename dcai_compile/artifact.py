"""Source to Artifact: bytecode, and the folder that holds everything about one compiled model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcai_compile.encoding import Sample
from dcai_compile.errors import CompilerPanic, ContractTooLarge
from dcai_compile.families import family_of
from dcai_compile.incentives import Argument
from dcai_compile.layout import CODE_SIZE_LIMIT, Layout
from dcai_compile.model import IntegerModel, Mirror, Options
from dcai_compile.packing import Packing, packing_of
from dcai_compile.render import Source
from dcai_compile.sample_encoder import SampleEncoder, sample_encoder
from dcai_compile.solc import Solc, compile_standard
from dcai_compile.system import Part, takes_packed, trainer_of

if TYPE_CHECKING:
    from web3 import Web3

    from dcai_compile.chain.api import Account
    from dcai_compile.deployment import Deployment
    from dcai_compile.evm import Evm
    from dcai_compile.verify import ParityReport

INITCODE_SIZE_LIMIT = 49_152
"""Bytes of creation code with constructor arguments (EIP-3860)."""


@dataclass(frozen=True)
class Contract:
    """One compiled contract.

    Attributes
    ----------
    name, abi : of the contract.
    initcode : creation code, without arguments.
    runtime : the code that it leaves on chain, with zeros where its immutables stand.
    arguments : of its constructor.
    owner : name of the contract of the same system that must own it after deployment; or empty.
    """

    name: str
    abi: list[dict[str, Any]]
    initcode: bytes
    runtime: bytes
    arguments: tuple[Argument, ...] = ()
    owner: str = ""


@dataclass(frozen=True)
class Compiled:
    """A compiled model, in memory; `save` writes it as an artifact folder.

    Attributes
    ----------
    options : how it was compiled.
    integers : the model as integers.
    layout : where each parameter lives on chain, and why.
    sources : the rendered source.
    standard_input : the exact input of the Solidity compiler.
    contracts : in the order of deployment: data contracts, the main contract, and in a modular
        system data handler, incentive mechanism and trainer.
    examples : calibration samples, encoded, for `vectors.json`.
    """

    options: Options
    integers: IntegerModel
    layout: Layout
    sources: Source
    standard_input: dict[str, Any]
    contracts: tuple[Contract, ...]
    examples: tuple[Sample, ...]

    @property
    def source(self) -> dict[str, str]:
        """Solidity text by path."""
        return self.sources.files

    @property
    def main(self) -> Contract:
        """The contract of the model, generated for it."""
        return self.contracts[len(self.sources.data_contracts)]

    @property
    def trainer(self) -> Contract | None:
        """The contract that takes contributions; None for a bare classifier."""
        wanted = trainer_of(self.options)
        return next((part for part in self.contracts if part.name == wanted), None)

    @property
    def abi(self) -> list[dict[str, Any]]:
        """ABI of the main contract."""
        return self.main.abi

    @property
    def errors(self) -> list[dict[str, Any]]:
        """ABI of every custom error that a call to the system can end with."""
        entries = [entry for part in self.contracts for entry in part.abi]
        return [entry for entry in entries if entry["type"] == "error"]

    @property
    def bytecode(self) -> bytes:
        """Creation code of the main contract, without constructor arguments."""
        return self.main.initcode

    @property
    def encoding(self) -> str:
        """Name of the wire encoding."""
        return self.integers.encoding.name

    @property
    def bound(self) -> float:
        """What no score of a sample in the calibration range errs by more than."""
        return self.integers.bound

    @cached_property
    def mirror(self) -> Mirror:
        """The contract in Python: `predict`, `decision_function`, `update`, `to_estimator`."""
        return self.new_mirror()

    @property
    def packing(self) -> Packing | None:
        """The packed form of samples, where the contract takes it: where it is the whole system."""
        return packing_of(self.integers.encoding) if takes_packed(self.options) else None

    def new_mirror(self) -> Mirror:
        """A mirror in the state of a fresh deployment."""
        mirror = family_of(self.integers.model.family).mirror(self.integers)
        if self.layout.delta is not None:
            digits = self.layout.delta.table.digits
            mirror.reach = digits.minimum, digits.maximum
        return mirror

    def encode(self, X: Any) -> list[list[int]]:
        """Raw samples, (n_samples, n_features) or texts, as lists of int64, as the contract takes them.

        Raises `SampleOutOfRange`.
        """
        return [sample.tolist() for sample in self.mirror.encode(X)]

    @property
    def encoder(self) -> SampleEncoder:
        """What a client needs to encode raw samples, without the estimator."""
        return sample_encoder(self.integers)

    def to_dcai(self) -> dict[str, Any]:
        """DCAI's own model JSON of the model as it is now in `mirror`.

        Raises `UnsupportedModel` where DCAI has no such model.
        """
        return family_of(self.integers.model.family).to_dcai(self.mirror)

    def verify(
        self,
        X: Any,
        *,
        evm: str = "auto",
        updates: tuple[Any, Any] | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> ParityReport:
        """Run the contract on test EVMs beside the mirror and scikit-learn; see `verify.verify`."""
        from dcai_compile.verify import verify

        return verify(self, X, evm=evm, updates=updates, progress=progress)

    def deploy(
        self,
        where: Evm | Web3 | str | None = None,
        account: Account | None = None,
        **options: Any,
    ) -> Deployment:
        """Put the system on a test EVM (a fresh one by default), or on a chain.

        `where` is an `Evm`, or for a chain of web3 or a node's URL: then it is resumable, and
        `account` and the options are those of `chain.api.deploy`. On an `Evm` the one option is
        `sender`, one of its accounts.
        """
        from dcai_compile.evm import Evm

        if where is None or isinstance(where, Evm):
            from dcai_compile.deployment import deploy

            return deploy(self, where, **options)
        from dcai_compile.chain import api

        return api.deploy(self, where, account, **options)

    def quote(self, rules: str = "osaka") -> dict[str, Any]:
        """What it costs to deploy, to teach and to claim, in gas and in words.

        The facts of `quote.quote`, and those of `gas_quote.gas_quote` under the chain rules `rules`:
        ``"operations"`` with the gas of each, ``"layout"`` why. Raises `InvalidOption`.
        """
        from dcai_compile.gas_quote import gas_quote
        from dcai_compile.quote import quote

        return {**gas_quote(self, rules).to_dict(), **quote(self)}

    def save(self, folder: str | Path) -> Path:
        """Write the artifact folder, whole or not at all; see `folder.save`."""
        from dcai_compile.folder import save

        return save(self, folder)


def standard_input(source: Source, options: Options) -> dict[str, Any]:
    """The Solidity compiler's standard JSON input; no metadata, so that comments change nothing."""
    wanted = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"]
    return {
        "language": "Solidity",
        "sources": {path: {"content": source.files[path]} for path in sorted(source.files)},
        "settings": {
            "optimizer": {"enabled": True, "runs": 100},
            "evmVersion": options.evm_version,
            "metadata": {"bytecodeHash": "none", "appendCBOR": False},
            "outputSelection": {
                **{
                    f"{name}.sol": {name: wanted}
                    for name in [*(part.name for part in source.data_contracts), source.main]
                },
                **{_path(part): {part.name: wanted} for part in source.parts},
            },
        },
    }


def build(
    source: Source, layout: Layout, options: Options, solc: Solc | None
) -> tuple[dict[str, Any], tuple[Contract, ...]]:
    """Compile a source; returns the compiler's input and the contracts, the main one last.

    Raises `SolcUnavailable`, `SolcFailed`, `ContractTooLarge`.
    """
    request = standard_input(source, options)
    output = compile_standard(request, solc)
    contracts = []
    for part in source.data_contracts:
        contract = _contract(output, f"{part.name}.sol", part.name)
        # The constructor returns the literal, so this is the code that it leaves on chain.
        contracts.append(replace(contract, runtime=part.code))
    bases = tuple(Argument("address", part.name, is_contract=True) for part in contracts)
    owner = source.parts[-1].name if source.parts else ""
    main = replace(
        _contract(output, f"{source.main}.sol", source.main), arguments=bases, owner=owner
    )
    _check_storage(output["contracts"][f"{source.main}.sol"][source.main]["storageLayout"], layout)
    contracts.append(main)
    for beside in source.parts:
        contract = _contract(output, _path(beside), beside.name)
        is_trainer = beside is source.parts[-1]
        contracts.append(
            replace(contract, arguments=beside.arguments, owner="" if is_trainer else owner)
        )
    for contract in contracts:
        _check_size(contract)
    return request, tuple(contracts)


def _path(part: Part) -> str:
    return f"contracts/{part.path}.sol"


def _contract(output: dict[str, Any], path: str, name: str) -> Contract:
    result = output["contracts"][path][name]
    return Contract(
        name,
        result["abi"],
        bytes.fromhex(result["evm"]["bytecode"]["object"]),
        bytes.fromhex(result["evm"]["deployedBytecode"]["object"]),
    )


def _check_storage(reported: dict[str, Any], layout: Layout) -> None:
    """The layout decides the slots; the Solidity compiler must have understood it the same way."""
    slots = {item["label"]: int(item["slot"]) for item in reported["storage"]}
    for name, slot in layout.slots.items():
        if slots.get(name) != slot:
            raise CompilerPanic(f"{name} is in slot {slots.get(name)}, the layout says {slot}")


def _check_size(contract: Contract) -> None:
    for code, limit in (
        (contract.runtime, CODE_SIZE_LIMIT),
        (contract.initcode, INITCODE_SIZE_LIMIT),
    ):
        if len(code) > limit:
            raise ContractTooLarge(
                f"{contract.name} has {len(code)} bytes of code, a chain takes {limit}",
                hint="train with fewer features or classes (a feature selector, a smaller vocabulary)",
                contract=contract.name,
                size=len(code),
                limit=limit,
            )
