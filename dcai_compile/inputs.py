"""Files in: trained models and data sets."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.encoding import Matrix
from dcai_compile.errors import InputInvalid, UntrustedPickle

PICKLES = (".joblib", ".pkl", ".pickle")
SVMLIGHT = (".svmlight", ".libsvm", ".svm")
LABEL_COLUMNS = ("label", "y", "target", "class")
"""Names by which the label column of a CSV file is found, in this order."""


def load_model(path: str | Path, *, trust_pickle: bool = False) -> Any:
    """A trained estimator from a file, or DCAI's model JSON as a dict.

    Raises `InputInvalid`, and `UntrustedPickle` for a file that runs code when it is read.
    """
    file = _existing(path)
    suffix = file.suffix.lower()
    if suffix == ".skops":
        return _load_skops(file)
    if suffix == ".json":
        return _load_json(file)
    if suffix in PICKLES:
        if not trust_pickle:
            raise UntrustedPickle(
                f"{file.name} is a pickle, and reading a pickle runs the code inside it",
                hint="save the model with skops.io.dump(model, 'model.skops'), or pass "
                "--trust-pickle if you made this file yourself",
                path=str(file),
            )
        return _load_pickle(file)
    raise InputInvalid(
        f"{file.name}: no model is known by the suffix {suffix!r}",
        hint="pass .skops, .json (DCAI) or, with --trust-pickle, .joblib or .pickle",
        path=str(file),
    )


def _existing(path: str | Path) -> Path:
    file = Path(path)
    if not file.is_file():
        raise InputInvalid(f"{file} is not a file", hint="check the path", path=str(file))
    return file


def _load_skops(file: Path) -> Any:
    import skops.io

    try:
        foreign = skops.io.get_untrusted_types(file=file)
    except Exception as error:
        raise _damaged(file, "skops file", error) from None
    if foreign:
        raise InputInvalid(
            f"{file.name} holds types that skops does not trust: {', '.join(sorted(foreign))}",
            hint="save a plain scikit-learn estimator, without objects of your own inside",
            path=str(file),
        )
    try:
        return skops.io.load(file, trusted=[])
    except Exception as error:
        raise _damaged(file, "skops file", error) from None


def _load_json(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise _damaged(file, "JSON file", error) from None
    if not isinstance(document, dict):
        raise _damaged(file, "JSON file", TypeError("it is not an object"))
    return document


def _load_pickle(file: Path) -> Any:
    import joblib

    try:
        return joblib.load(file)
    except Exception as error:
        raise _damaged(file, "pickle", error) from None


def _damaged(file: Path, kind: str, error: Exception) -> InputInvalid:
    return InputInvalid(
        f"{file.name} is not a readable {kind}: {type(error).__name__}: {error}",
        hint="write the file again",
        path=str(file),
    )


def load_data(path: str | Path, *, label: str | None = None) -> tuple[Matrix, NDArray[Any] | None]:
    """Samples, (n_samples, n_features) or texts (n_samples,), and labels, (n_samples,) or None.

    ``.npz`` with arrays `X` and `y`, or a scipy sparse matrix with `y` beside it; ``.csv`` with
    a header and a label column (`label`, else one named label, y, target or class), numbers or
    texts, or one column of texts for a pipeline that begins with text; svmlight.
    Raises `InputInvalid`, also where there are no samples, or not a label for each.
    """
    file = _existing(path)
    samples, labels = _load(file, label)
    shape = samples.shape
    if not shape or not shape[0]:
        raise InputInvalid(f"{file.name} has no samples", hint="write some", path=str(file))
    if labels is not None and labels.shape != shape[:1]:
        raise InputInvalid(
            f"{file.name} has {shape[0]} samples, and labels of the shape {labels.shape}",
            hint="write one label for each sample",
            path=str(file),
        )
    return samples, labels


def _load(file: Path, label: str | None) -> tuple[Matrix, NDArray[Any] | None]:
    suffix = file.suffix.lower()
    try:
        if suffix == ".npz":
            return _load_npz(file)
        if suffix == ".csv":
            return _load_csv(file, label)
        if suffix in SVMLIGHT:
            from sklearn.datasets import load_svmlight_file

            samples, labels = load_svmlight_file(str(file))
            return sparse.csr_array(samples), labels
    except InputInvalid:
        raise
    except Exception as error:
        raise _damaged(file, "data file", error) from None
    raise InputInvalid(
        f"{file.name}: no data is known by the suffix {suffix!r}",
        hint="pass .npz, .csv or .svmlight",
        path=str(file),
    )


def _load_npz(file: Path) -> tuple[Matrix, NDArray[Any] | None]:
    with np.load(file, allow_pickle=False) as arrays:
        names = set(arrays.files)
        labels = arrays["y"] if "y" in names else None
        if "X" in names:
            return arrays["X"], labels
        if {"data", "indices", "indptr", "shape"} <= names:
            parts = (arrays["data"], arrays["indices"], arrays["indptr"])
            return sparse.csr_array(parts, shape=tuple(arrays["shape"])), labels
    raise InputInvalid(
        f"{file.name} has the arrays {sorted(names)}",
        hint="save it with numpy.savez(path, X=X, y=y)",
        path=str(file),
    )


def _load_csv(file: Path, label: str | None) -> tuple[NDArray[Any], NDArray[Any] | None]:
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    if len(rows) < 2:
        raise InputInvalid(f"{file.name} has no samples", hint="a header and rows", path=str(file))
    header, body = rows[0], rows[1:]
    column = _label_column(file, header, label)
    for number, row in enumerate(body, start=2):
        if len(row) != len(header):
            raise InputInvalid(
                f"{file.name}, line {number}: {len(row)} values for {len(header)} columns",
                hint="give every row one value a column",
                path=str(file),
            )
    kept = [i for i in range(len(header)) if i != column]
    samples = _values([[row[i] for i in kept] for row in body])
    if column is None:
        return samples, None
    return samples, _labels([row[column] for row in body])


def _values(rows: list[list[str]]) -> Matrix:
    """Numbers where all are; a single column of anything else as texts; else numbers and texts mixed."""
    try:
        return np.array([[float(text) for text in row] for row in rows])
    except ValueError:
        pass
    if len(rows[0]) == 1:
        return np.array([row[0] for row in rows])
    columns = [_column([row[i] for row in rows]) for i in range(len(rows[0]))]
    samples = np.empty((len(rows), len(columns)), dtype=object)
    for place, values in enumerate(columns):
        samples[:, place] = values
    return samples


def _column(texts: list[str]) -> list[Any]:
    """A column as numbers where all are, else as it is written."""
    try:
        return [float(text) for text in texts]
    except ValueError:
        return list(texts)


def _label_column(file: Path, header: list[str], label: str | None) -> int | None:
    if label is None:
        return next((header.index(name) for name in LABEL_COLUMNS if name in header), None)
    if label not in header:
        raise InputInvalid(
            f"{file.name} has no column {label!r}",
            hint=f"its columns are {', '.join(header)}",
            path=str(file),
        )
    return header.index(label)


def _labels(texts: list[str]) -> NDArray[Any]:
    """Labels as whole numbers where all are, else as text."""
    try:
        return np.array([int(text) for text in texts])
    except ValueError:
        return np.array(texts)
