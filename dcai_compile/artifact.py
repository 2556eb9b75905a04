"""Source to Artifact: bytecode, and the folder that holds everything about one compiled model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcai_compile.encoding import Sample
from dcai_compile.errors import CompilerPanic, ContractTooLarge
from dcai_compile.families import family_of
from dcai_compile.layout import CODE_SIZE_LIMIT, Layout
from dcai_compile.model import IntegerModel, Mirror, Options
from dcai_compile.render import Source
from dcai_compile.sample_encoder import SampleEncoder, sample_encoder
from dcai_compile.solc import Solc, compile_standard

if TYPE_CHECKING:
    from dcai_compile.verify import ParityReport

INITCODE_SIZE_LIMIT = 49_152
"""Bytes of creation code with constructor arguments (EIP-3860)."""


@dataclass(frozen=True)
class Contract:
    """One compiled contract: creation code, and the code that it leaves on chain."""

    name: str
    abi: list[dict[str, Any]]
    initcode: bytes
    runtime: bytes


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
    contracts : data contracts in the order in which the main contract's constructor takes
        their addresses, and the main contract last.
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
        """The contract that people know."""
        return self.contracts[-1]

    @property
    def abi(self) -> list[dict[str, Any]]:
        """ABI of the main contract."""
        return self.main.abi

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

    def new_mirror(self) -> Mirror:
        """A mirror in the state of a fresh deployment."""
        return family_of(self.integers.model.family).mirror(self.integers)

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
            "optimizer": {"enabled": True, "runs": 200},
            "evmVersion": options.evm_version,
            "metadata": {"bytecodeHash": "none", "appendCBOR": False},
            "outputSelection": {
                f"{name}.sol": {name: wanted}
                for name in [*(part.name for part in source.data_contracts), source.main]
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
        contract = _contract(output, part.name)
        # The constructor returns the literal, so this is the code that it leaves on chain.
        contracts.append(Contract(contract.name, contract.abi, contract.initcode, part.code))
    main = _contract(output, source.main)
    _check_storage(output["contracts"][f"{source.main}.sol"][source.main]["storageLayout"], layout)
    for contract in (*contracts, main):
        _check_size(contract)
    return request, (*contracts, main)


def _contract(output: dict[str, Any], name: str) -> Contract:
    result = output["contracts"][f"{name}.sol"][name]
    return Contract(
        name,
        result["abi"],
        bytes.fromhex(result["evm"]["bytecode"]["object"]),
        bytes.fromhex(result["evm"]["deployedBytecode"]["object"]),
    )


def _check_storage(reported: dict[str, Any], layout: Layout) -> None:
    """The layout decides the slots; the Solidity compiler must have understood it the same way."""
    slots = {item["label"]: int(item["slot"]) for item in reported["storage"]}
    for stored in layout.stored:
        if slots.get(stored.table.name) != stored.first_slot:
            raise CompilerPanic(
                f"{stored.table.name} is in slot {slots.get(stored.table.name)}, "
                f"the layout says {stored.first_slot}"
            )


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
