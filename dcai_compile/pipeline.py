"""The straight line through the verbs: extract, quantize, lay out, render, build."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile.artifact import Compiled, build
from dcai_compile.choose import choose_encoding, without_empty
from dcai_compile.delta_choice import typical_elements
from dcai_compile.encoding import Matrix
from dcai_compile.errors import ContractTooLarge, InvalidName, InvalidOption
from dcai_compile.families import family_of
from dcai_compile.gas import affordable_length
from dcai_compile.incentives import check_system
from dcai_compile.inputs import load_model
from dcai_compile.layout import plan_layout
from dcai_compile.model import Model, Options, class_index
from dcai_compile.names import check_text
from dcai_compile.preparation import prepare
from dcai_compile.render import class_names, render
from dcai_compile.solc import Solc, find_solc
from dcai_compile.sources import check_contract_name
from dcai_compile.system import shell_of

EVM_VERSIONS = ("cancun", "prague", "osaka")
EXAMPLES = 32
"""Calibration samples that go into an artifact's `vectors.json`."""


def compile_model(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    name: str = "Classifier",
    description: str = "",
    class_names: Sequence[str] | None = None,
    encoding: str = "auto",
    update: str = "auto",
    learning_rate: float | None = None,
    weight_bits: int | str = "auto",
    step_bits: int | str = "auto",
    horizon: int = 100_000,
    layout: str = "fused",
    incentive: str | None = "stakeable",
    title: str = "",
    refund_wait: int = 86_400,
    owner_claim_wait: int = 604_800,
    any_address_claim_wait: int = 1_209_600,
    cost_weight: int = 10**14,
    open_claims: bool = False,
    packed: bool = True,
    evm_version: str = "cancun",
    solc: str | Path | None = None,
    trust_pickle: bool = False,
) -> Compiled:
    """Compile a trained classifier to an updatable Solidity contract.

    Parameters
    ----------
    estimator : a fitted scikit-learn classifier or Pipeline, DCAI's model JSON as a dict, or a
        path to one (``.skops``, ``.json``; ``.joblib`` and ``.pickle`` only with `trust_pickle`).
    X : calibration samples as the estimator takes them: (n_samples, n_features), array or
        scipy.sparse, or texts. They decide the encoding, how narrow the weights can be, and what
        range `update` is proved safe for.
    y : labels of `X`, which are then the training data: needed where the estimator keeps no class
        counts (NearestCentroid), and exact sums are taken from where it keeps rounded means.
    name : name of the contract.
    description : one line about the model, for people: kept in the artifact and, with an
        incentive, on chain.
    class_names : what `classifications` returns, one name a class; default: the labels.
    encoding : ``"auto"``, ``"dense"``, ``"indices"`` or ``"pairs"``.
    update : ``"auto"`` for the estimator's own step, ``"frozen"``, or the name of a step.
    learning_rate : of that step (C for pa1 and pa2); default: the estimator's own, else
        scikit-learn's default.
    weight_bits : ``"auto"`` for the narrowest lanes that keep every calibration sample's class.
    step_bits : 16 for half the storage that a lesson writes, 32 (``"auto"``) for exactness: of linear models
        whose training steps are fractions, how closely learned weights follow scikit-learn's; of dense
        centroid models, 16 rounds what a lesson adds to a sum to a step of a grid, a small part of what is
        typical for a sample, where else sums are exact. Other models learn exactly in any case.
    horizon : number of updates that must be proved safe from overflow.
    layout : ``"fused"``, everything in one contract, or ``"modular"``, DCAI's four contracts.
    incentive : ``"stakeable"`` (deposit, refund, take), ``"points"`` (no money), or None for a
        bare classifier that its owner teaches, such as a DCAI trainer.
    title : the model's name for people, on chain; default: `name`.
    refund_wait : seconds after which an author may ask for the deposit, and others may report.
    owner_claim_wait : seconds after which the creator may take what is left of a deposit.
    any_address_claim_wait : seconds after which others may, too.
    cost_weight : in wei; the deposit is this times 3600 / sqrt(seconds since the last
        contribution).
    open_claims : let anybody take what is left in the end, the author included, as DCAI does.
    packed : whether a fused contract takes samples in few bytes, too, beside DCAI's calls: much cheaper lessons
        and claims for a kilobyte of code.
    evm_version : ``"cancun"``, ``"prague"`` or ``"osaka"``.
    solc : path to a Solidity compiler of the pinned version; default: found or fetched.
    trust_pickle : allow a file that runs code when it is read.

    Raises
    ------
    UnsupportedModel, NotFitted, UnsupportedStep, ModelNotFinite : of the estimator.
    InvalidOption, InvalidName, SampleOutOfRange : of the arguments.
    PrecisionUnreachable, OverflowPossible : what cannot be proved.
    SolcUnavailable, SolcFailed, ContractTooLarge : of the build.
    """
    options = Options(
        name=name,
        description=description,
        class_names=None if class_names is None else tuple(class_names),
        encoding=encoding,
        update=update,
        learning_rate=learning_rate,
        weight_bits=weight_bits,
        step_bits=step_bits,
        horizon=horizon,
        evm_version=evm_version,
        layout=layout,
        incentive=incentive,
        title=title,
        refund_wait=refund_wait,
        owner_claim_wait=owner_claim_wait,
        any_address_claim_wait=any_address_claim_wait,
        cost_weight=cost_weight,
        open_claims=open_claims,
        packed=packed,
    )
    _check_types(options, class_names)
    _check_options(options)
    if isinstance(estimator, str | Path):
        estimator = load_model(estimator, trust_pickle=trust_pickle)
    model = prepare(estimator, options)
    _check_names(model, options)
    samples = _calibration(X, model)
    labels = _labels(y, samples, model)
    compiler = find_solc(solc)
    compiled = _compile(model, samples, labels, options, compiler)
    if options.incentive is None:
        return compiled
    # Nobody's deposit may be locked by a sample that no later transaction can afford.
    longest = affordable_length(compiled)
    while longest < compiled.integers.encoding.max_length:
        asked = longest
        compiled = _compile(model, samples, labels, options, compiler, asked)
        longest = affordable_length(compiled, asked)
    return compiled


def _compile(
    model: Model,
    samples: Matrix,
    labels: NDArray[np.int64] | None,
    options: Options,
    solc: Solc,
    longest: int | None = None,
) -> Compiled:
    """Everything behind extract: samples of more than `longest` elements are not taken."""
    family = family_of(model.family)
    wire = choose_encoding(
        options.encoding,
        samples,
        allowed=family.encodings(model),
        min_length=0 if family.takes_empty else 1,
        prefer_counts=family.prefers_counts,
        longest=longest,
    )
    kept = np.nonzero(without_empty(wire, samples))[0]
    samples = samples[kept]
    labels = None if labels is None else labels[kept]
    integers = family.quantize(model, samples, labels, wire, options)
    examples = tuple(family.mirror(integers).encode_features(samples)[:EXAMPLES])
    first_slot, typical = shell_of(options).first_slot, typical_elements(examples)
    base, tables = family.code_table(integers), family.storage_tables(integers)
    try:
        layout = plan_layout(base, tables, first_slot, elements=typical)
        source = render(integers, layout, options)
        request, contracts = build(source, layout, options, solc)
    except ContractTooLarge as error:
        if layout.base_parts or error.contract != options.name:
            raise
        layout = plan_layout(base, tables, first_slot, own_code=False, elements=typical)
        source = render(integers, layout, options)
        request, contracts = build(source, layout, options, solc)
    return Compiled(options, integers, layout, source, request, contracts, examples)


def _calibration(X: Any, model: Model) -> Any:
    samples = model.features(X)
    if samples.shape[0] == 0:
        raise InvalidOption(
            "there are no calibration samples",
            hint="pass the training data, or a part of it that has every kind of sample",
            option="X",
            value=samples.shape,
        )
    return samples


def _labels(y: Any, samples: Matrix, model: Model) -> NDArray[np.int64] | None:
    """Class indices of the calibration samples, where labels were given and say anything."""
    if y is None:
        return None
    labels = list(y)
    if len(labels) != samples.shape[0]:
        raise InvalidOption(
            f"{len(labels)} labels for {samples.shape[0]} calibration samples",
            hint="pass one label for each sample",
            option="y",
            value=len(labels),
        )
    if not family_of(model.family).uses_labels:
        return None
    return np.array([class_index(model, label) for label in labels], np.int64)


def _check_types(options: Options, class_names: object) -> None:
    """Refuse arguments of the wrong type by name, before anything is done with them."""
    for option in ("name", "description", "encoding", "update", "evm_version", "layout", "title"):
        value = getattr(options, option)
        if not isinstance(value, str):
            raise InvalidOption(
                f"{option}={value!r} is not text", hint="pass a string", option=option, value=value
            )
    rate: object = options.learning_rate
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, Real)):
        raise InvalidOption(
            f"learning_rate={rate!r} is not a number",
            hint="pass a number, such as 0.01",
            option="learning_rate",
            value=rate,
        )
    names = options.class_names or ()
    if isinstance(class_names, str) or not all(isinstance(name, str) for name in names):
        raise InvalidName(
            f"class_names={class_names!r} is not a list of names",
            hint="pass one string for each class",
            option="class_names",
            value=class_names,
        )


def _check_options(options: Options) -> None:
    check_contract_name(options.name)
    for option, text in (("description", options.description), ("title", options.title)):
        if text:
            check_text(option, text)
    check_system(options)
    if options.evm_version not in EVM_VERSIONS:
        raise InvalidOption(
            f"evm_version={options.evm_version!r} is not supported",
            hint=f"choose one of {', '.join(EVM_VERSIONS)}",
            option="evm_version",
            value=options.evm_version,
        )
    if options.step_bits not in ("auto", 16, 32):
        raise InvalidOption(
            f"step_bits={options.step_bits!r} is no width of learned weights and sums",
            hint="choose 'auto', 16 or 32",
            option="step_bits",
            value=options.step_bits,
        )
    horizon = options.horizon
    if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
        raise InvalidOption(
            f"horizon={horizon!r} is not a number of updates",
            hint="pass a whole number from 1 on",
            option="horizon",
            value=horizon,
        )


def _check_names(model: Model, options: Options) -> None:
    if options.class_names is not None and len(options.class_names) != len(model.classes):
        raise InvalidName(
            f"{len(options.class_names)} class_names for {len(model.classes)} classes",
            hint=f"give one name for each of {list(model.classes)!r}",
            option="class_names",
            value=options.class_names,
        )
    for name in class_names(model, options):
        check_text("class_names", name)
