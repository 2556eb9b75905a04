"""Steps on texts: terms, counted by a vocabulary or by their hashes, and weighted."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from dcai_compile.client_encoder.murmur3 import murmur3_32
from dcai_compile.client_encoder.step import Step, as_doubles, refuse
from dcai_compile.encoding import Matrix
from dcai_compile.errors import SampleOutOfRange

WHITE_SPACES = re.compile(r"\s\s+")


def as_texts(X: Any) -> list[Any]:
    """One text a sample, as str or bytes. Raises `SampleOutOfRange`."""
    if isinstance(X, str | bytes):
        raise SampleOutOfRange(
            f"{X[:40]!r} is one text, not a list of texts", hint="pass a list: [text]"
        )
    texts = np.ravel(X).tolist() if isinstance(X, np.ndarray) else list(X)
    for row, text in enumerate(texts):
        if not isinstance(text, str | bytes):
            raise refuse(row, 0, text, "is no text", "pass one string for each sample")
    return texts


@dataclass(frozen=True)
class Analysis:
    """How a text becomes terms; the fields are scikit-learn's."""

    analyzer: str
    lowercase: bool
    strip_accents: str | None
    token_pattern: str
    stop_words: tuple[str, ...]
    ngram_range: tuple[int, int]
    encoding: str
    decode_error: str

    def terms(self, text: str | bytes) -> list[str]:
        """All terms of a text."""
        if isinstance(text, bytes):
            text = text.decode(self.encoding, self.decode_error)
        if self.lowercase:
            text = text.lower()
        if self.strip_accents is not None:
            text = _without_accents(text, self.strip_accents)
        split: Callable[[str], list[str]] = getattr(self, f"_{self.analyzer}")
        return split(text)

    @cached_property
    def _tokens(self) -> re.Pattern[str]:
        return re.compile(self.token_pattern)

    @cached_property
    def _stopped(self) -> frozenset[str]:
        return frozenset(self.stop_words)

    def _word(self, text: str) -> list[str]:
        tokens = [token for token in self._tokens.findall(text) if token not in self._stopped]
        least, most = self.ngram_range
        return [
            " ".join(tokens[start : start + n])
            for n in range(least, min(most, len(tokens)) + 1)
            for start in range(len(tokens) - n + 1)
        ]

    def _char(self, text: str) -> list[str]:
        text = WHITE_SPACES.sub(" ", text)
        least, most = self.ngram_range
        return [
            text[start : start + n]
            for n in range(least, min(most, len(text)) + 1)
            for start in range(len(text) - n + 1)
        ]

    def _char_wb(self, text: str) -> list[str]:
        terms = []
        least, most = self.ngram_range
        for word in WHITE_SPACES.sub(" ", text).split():
            padded = f" {word} "
            for n in range(least, most + 1):
                runs = max(1, len(padded) - n + 1)
                terms += [padded[start : start + n] for start in range(runs)]
                if runs == 1:
                    break  # a word no longer than the run is counted once
        return terms

    def facts(self) -> dict[str, Any]:
        """The fields as JSON values."""
        facts = asdict(self)
        return {**facts, "stop_words": list(self.stop_words), "ngram_range": list(self.ngram_range)}


def read_analysis(facts: Mapping[str, Any]) -> Analysis:
    """The inverse of `Analysis.facts`."""
    least, most = facts["ngram_range"]
    if facts["analyzer"] not in ("word", "char", "char_wb"):
        raise ValueError(f"no analyzer is named {facts['analyzer']!r}")
    rest = {
        **facts,
        "stop_words": tuple(facts["stop_words"]),
        "ngram_range": (int(least), int(most)),
    }
    return Analysis(**rest)


def _without_accents(text: str, how: str) -> str:
    if how == "unicode" and text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    if how == "ascii":
        return decomposed.encode("ascii", "ignore").decode("ascii")
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _counts(rows: list[dict[int, float]], width: int) -> sparse.csr_array:
    """Rows of column and value as CSR, columns in order."""
    lengths = np.array([len(row) for row in rows], np.int64)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    ordered = [sorted(row.items()) for row in rows]
    indices = np.array([column for row in ordered for column, _ in row], np.int32)
    data = np.array([value for row in ordered for _, value in row], np.float64)
    return sparse.csr_array((data, indices, indptr), shape=(len(rows), width))


@dataclass(frozen=True)
class Count(Step):
    """Occurrences of the terms of a vocabulary, which is in the order of the columns."""

    kind: ClassVar[str] = "count"
    gives_sparse: ClassVar[bool] = True
    takes_text: ClassVar[bool] = True
    analysis: Analysis
    vocabulary: tuple[str, ...]
    binary: bool

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {term: column for column, term in enumerate(self.vocabulary)}

    def transform(self, X: Any) -> Matrix:
        rows = []
        for text in as_texts(X):
            known = Counter(
                self._columns[term] for term in self.analysis.terms(text) if term in self._columns
            )
            rows.append({c: 1.0 if self.binary else float(n) for c, n in known.items()})
        return _counts(rows, len(self.vocabulary))

    def width(self, n_in: int) -> int:
        return len(self.vocabulary)

    def facts(self) -> dict[str, Any]:
        return {
            "analysis": self.analysis.facts(),
            "vocabulary": list(self.vocabulary),
            "binary": self.binary,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Step:
        vocabulary = tuple(str(term) for term in facts["vocabulary"])
        return cls(read_analysis(facts["analysis"]), vocabulary, bool(facts["binary"]))


@dataclass(frozen=True)
class Hash(Step):
    """Occurrences of terms in the column of their hash."""

    kind: ClassVar[str] = "hash"
    gives_sparse: ClassVar[bool] = True
    takes_text: ClassVar[bool] = True
    analysis: Analysis
    n_features: int
    alternate_sign: bool
    binary: bool

    def transform(self, X: Any) -> Matrix:
        rows = []
        for text in as_texts(X):
            row: dict[int, float] = {}
            for term in self.analysis.terms(text):
                hashed = murmur3_32(term.encode("utf-8"))
                column = self._column(hashed)
                sign = -1.0 if self.alternate_sign and hashed < 0 else 1.0
                row[column] = row.get(column, 0.0) + sign
            rows.append(dict.fromkeys(row, 1.0) if self.binary else row)
        return _counts(rows, self.n_features)

    def _column(self, hashed: int) -> int:
        if hashed == -(1 << 31):
            return ((1 << 31) - 1 - (self.n_features - 1)) % self.n_features
        return abs(hashed) % self.n_features

    def width(self, n_in: int) -> int:
        return self.n_features

    def facts(self) -> dict[str, Any]:
        return {
            "analysis": self.analysis.facts(),
            "n_features": self.n_features,
            "alternate_sign": self.alternate_sign,
            "binary": self.binary,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Step:
        signed, binary = bool(facts["alternate_sign"]), bool(facts["binary"])
        return cls(read_analysis(facts["analysis"]), int(facts["n_features"]), signed, binary)


@dataclass(frozen=True)
class TfIdf(Step):
    """Counts weighted by how rare a term is."""

    kind: ClassVar[str] = "tfidf"
    gives_sparse: ClassVar[bool] = True
    idf: tuple[float, ...] | None
    sublinear: bool

    def transform(self, X: Any) -> Matrix:
        rows = sparse.csr_array(as_doubles(X))
        if self.sublinear:
            rows.data = np.log(rows.data)
            rows.data += 1.0
        if self.idf is not None:
            rows.data *= np.array(self.idf, np.float64)[rows.indices]
        return rows

    def facts(self) -> dict[str, Any]:
        idf = None if self.idf is None else list(self.idf)
        return {"idf": idf, "sublinear": self.sublinear}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Step:
        idf = facts["idf"]
        read = None if idf is None else tuple(float(value) for value in idf)
        return cls(read, bool(facts["sublinear"]))
