"""Text vectorizers as client steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)

from dcai_compile.client_encoder import Analysis, Count, Hash, Normalize, Step, TfIdf
from dcai_compile.errors import UnsupportedStep
from dcai_compile.preprocess import doubles, refused, register_transformer

CALLABLES = ("analyzer", "preprocessor", "tokenizer")


@register_transformer(CountVectorizer)
def _count(vectorizer: Any) -> tuple[Step, ...]:
    terms = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
    columns = [int(vectorizer.vocabulary_[term]) for term in terms]
    if columns != list(range(len(columns))):
        raise UnsupportedStep(
            "the vocabulary does not number its terms from 0 on, one each",
            hint="pass a vocabulary without gaps, or leave it out",
            estimator=type(vectorizer).__name__,
            setting="vocabulary",
        )
    return (Count(_analysis(vectorizer), tuple(terms), bool(vectorizer.binary)),)


@register_transformer(HashingVectorizer)
def _hash(vectorizer: Any) -> tuple[Step, ...]:
    step = Hash(
        _analysis(vectorizer),
        int(vectorizer.n_features),
        bool(vectorizer.alternate_sign),
        bool(vectorizer.binary),
    )
    return (step, *_norm(vectorizer))


@register_transformer(
    TfidfTransformer,
    treatment="folded into frozen linear models where norm=None, else by the client",
)
def _tfidf(transformer: Any) -> tuple[Step, ...]:
    idf = doubles(transformer, "idf_") if transformer.use_idf else None
    return (TfIdf(idf, bool(transformer.sublinear_tf)), *_norm(transformer))


@register_transformer(TfidfVectorizer)
def _tfidf_vectorizer(vectorizer: Any) -> tuple[Step, ...]:
    return (*_count(vectorizer), *_tfidf(vectorizer._tfidf))


def _norm(owner: Any) -> tuple[Step, ...]:
    return () if owner.norm is None else (Normalize(str(owner.norm)),)


def _analysis(vectorizer: Any) -> Analysis:
    for setting in CALLABLES:
        if callable(getattr(vectorizer, setting)):
            raise refused(
                vectorizer,
                setting,
                "a function of yours cannot be written down: use analyzer='word' with a token_pattern, or "
                "'char' or 'char_wb'",
            )
    if callable(vectorizer.strip_accents):
        raise refused(vectorizer, "strip_accents", "use 'unicode', 'ascii' or None")
    if vectorizer.input != "content":
        raise refused(vectorizer, "input", "pass the texts themselves: input='content'")
    if np.dtype(vectorizer.dtype) not in (np.dtype(np.float64), np.dtype(np.int64)):
        raise refused(
            vectorizer, "dtype", "a client computes in doubles: leave dtype at its default"
        )
    stop_words = vectorizer.get_stop_words() if vectorizer.analyzer == "word" else None
    least, most = vectorizer.ngram_range
    return Analysis(
        analyzer=str(vectorizer.analyzer),
        lowercase=bool(vectorizer.lowercase),
        strip_accents=vectorizer.strip_accents,
        token_pattern=str(vectorizer.token_pattern or ""),
        stop_words=tuple(sorted(stop_words or ())),
        ngram_range=(int(least), int(most)),
        encoding=str(vectorizer.encoding),
        decode_error=str(vectorizer.decode_error),
    )
