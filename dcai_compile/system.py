"""Which contracts a system is made of: fused, modular, or a bare classifier.

A *shell* is what a generated contract inherits, and so what it is besides a model. Dispatch over
layouts and incentives happens here, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

from dcai_compile.incentives import Argument, Incentive, Setting, incentive_of
from dcai_compile.model import Options
from dcai_compile.names import string_literal

SOLIDITY_WIDTH = 120
"""Columns of a line of Solidity."""

CLASSIFIER_SLOTS = 1
"""Slot 0 holds the owner."""

FUSED_SLOTS = 4
"""Owner, totals, reputation, claims."""


@dataclass(frozen=True)
class Shell:
    """What a generated contract inherits.

    Attributes
    ----------
    contract : the generated contract's name.
    bases : path and name of every inherited contract to import, the most basic first.
    first_slot : the first storage slot that is the model's.
    names : name and description as Solidity literals, where the contract itself has them.
    settings : of the incentive mechanism, where the contract itself is one.
    """

    contract: str
    bases: tuple[tuple[str, str], ...]
    first_slot: int
    names: tuple[str, str] | None = None
    settings: tuple[Setting, ...] = ()

    @property
    def imports(self) -> list[str]:
        """Import lines, as `forge fmt` writes them."""
        return [f'import {{{name}}} from "./contracts/{path}.sol";' for path, name in self.bases]

    @property
    def inherits(self) -> str:
        """What stands between a contract's ``is`` and its opening brace, as `forge fmt` breaks it."""
        bases = [name for _, name in self.bases]
        line = f" {', '.join(bases)} "
        if len(f"contract {self.contract} is{line}{{") <= SOLIDITY_WIDTH:
            return line
        return "\n    " + ",\n    ".join(bases) + "\n"


@dataclass(frozen=True)
class Part:
    """A hand-written contract that is deployed beside the generated one.

    Attributes
    ----------
    name, path : of the contract, and of its source below ``contracts/``.
    arguments : of its constructor.
    """

    name: str
    path: str
    arguments: tuple[Argument, ...]


TRAINER = "CollaborativeTrainer64"
DATA_HANDLER = "DataHandler64"


def is_fused(options: Options) -> bool:
    """Whether the generated contract is trainer, data handler and incentive mechanism, too."""
    return options.incentive is not None and options.layout == "fused"


def takes_packed(options: Options) -> bool:
    """Whether the generated contract takes packed samples."""
    return is_fused(options) and options.packed


def is_modular(options: Options) -> bool:
    """Whether the generated contract is a classifier beside three more contracts."""
    return options.incentive is not None and options.layout == "modular"


def trainer_of(options: Options) -> str | None:
    """Name of the contract that takes contributions; None for a bare classifier."""
    if is_modular(options):
        return TRAINER
    return options.name if is_fused(options) else None


def shell_of(options: Options) -> Shell:
    """What the generated contract inherits."""
    incentive = incentive_of(options)
    if incentive is None or not is_fused(options):
        return Shell(options.name, (("Classifier64", "Classifier64"),), CLASSIFIER_SLOTS)
    rules = (f"incentives/{incentive.rules}", incentive.rules)
    trainer = "PackedTrainer64" if options.packed else "FusedTrainer64"
    bases = (rules, (trainer, trainer))
    names = string_literal(title(options)), string_literal(options.description)
    return Shell(options.name, bases, FUSED_SLOTS, names, incentive.settings(options))


def parts_of(options: Options, encoder: str) -> tuple[Part, ...]:
    """The contracts beside a modular classifier, in the order of deployment, the trainer last.

    All of them and the classifier must become the trainer's after deployment.
    """
    incentive = incentive_of(options)
    if incentive is None or not is_modular(options):
        return ()
    return (
        Part(DATA_HANDLER, DATA_HANDLER, ()),
        _incentive_part(incentive, options),
        Part(
            TRAINER,
            TRAINER,
            (
                Argument("string", title(options)),
                Argument("string", options.description),
                Argument("string", encoder),
                Argument("address", DATA_HANDLER, is_contract=True),
                Argument("address", incentive.modular, is_contract=True),
                Argument("address", options.name, is_contract=True),
            ),
        ),
    )


def _incentive_part(incentive: Incentive, options: Options) -> Part:
    settings = incentive.settings(options)
    arguments = tuple(Argument(setting.type, setting.value) for setting in settings)
    return Part(incentive.modular, incentive.modular, arguments)


def title(options: Options) -> str:
    """The model's name for people."""
    return options.title or options.name
