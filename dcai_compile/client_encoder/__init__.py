"""What a client does to a raw sample before it is encoded: the *client encoder*.

A chain of steps that turns raw input (texts, or rows of values) into features, with no scikit-learn at
hand. It stands as JSON in an artifact's `encoder.json`, whose keccak-256 the contract returns:

    {"version": 1, "n_inputs": columns of raw input or 0 for text, "n_features": columns that come out,
     "steps": [{"kind": ..., ...}, ...]}

Every number is a double, in the shortest decimal form that reads back as the same. The steps, applied in
order to a row x (i counts its columns from 0):

    subtract   values v           x_i - v_i
    add        values v           x_i + v_i
    multiply   values v           x_i * v_i
    divide     values v           x_i / v_i; for a sparse row x_i * (1 / v_i), rounded twice
    select     indices j          the columns j_0, j_1, ... in this order
    project    matrix M           x M, M with a row for each column of x
    normalize  norm               x divided by the sum of |x_i| ("l1"), the root of the sum of x_i * x_i
                                  ("l2") or the largest |x_i| ("max"); unchanged where that is 0
    binarize   threshold t        1 where x_i > t, else 0
    flags                         unchanged; every x_i is 0 or 1, anything else is an error
    categories sizes n            column i holds a code from 0 to n_i - 1; it becomes n_i columns, of
                                  which the code's is 1 and the others are 0
    one_hot    categories, drop,  the same for any values: column i holds one of categories[i], and
               unknown            the column of category drop[i] (null for none) is left out; another
                                  value is an error ("error") or leaves all columns at 0 ("ignore")
    ordinal    categories         column i holds one of categories[i] and becomes its position
    columns    blocks, sparse     the outputs of all blocks side by side; a block is the columns that it
                                  takes ("columns", or one column of texts if "single") and its "steps"
    count      analysis,          how often each term of the vocabulary stands in a text, in the order
               vocabulary,        of the vocabulary; 1 at most if "binary"
               binary
    hash       analysis,          terms counted in column |h| mod n, h the 32-bit MurmurHash3 (seed 0) of
               n_features n,      the UTF-8 bytes as a signed number, minus one where h < 0 if
               alternate_sign,    "alternate_sign"; |-2^31| counts as 2^31 - n; all values 1 if "binary"
               binary
    tfidf      idf or null,       log(x_i) + 1 where x_i is not 0, if "sublinear"; then times idf_i
               sublinear

An analysis makes terms of a text. Bytes are decoded ("encoding", "decode_error"). The text is put in
lower case if "lowercase"; then with "strip_accents" "unicode" it is decomposed (NFKD) and combining
characters are left out unless it is ASCII, with "ascii" everything else that is not ASCII too. Terms of
"analyzer" "word" are runs of ngram_range[0] to ngram_range[1] tokens joined by spaces, tokens being the
matches (or the one group) of the regular expression "token_pattern", without "stop_words"; of "char" all
runs of characters, after runs of two and more white space characters became one space; of "char_wb" the
same inside each word, with a space on both sides, a word shorter than a run counted once and no longer
runs of it.
"""

from __future__ import annotations

from dcai_compile.client_encoder.categories import Categories, OneHot, Ordinal
from dcai_compile.client_encoder.columns import Block, Columns
from dcai_compile.client_encoder.encoder import ClientEncoder
from dcai_compile.client_encoder.numeric import (
    Add,
    Binarize,
    Divide,
    Flags,
    Multiply,
    Normalize,
    Project,
    Select,
    Subtract,
)
from dcai_compile.client_encoder.step import Step
from dcai_compile.client_encoder.text import Analysis, Count, Hash, TfIdf

__all__ = [
    "Add",
    "Analysis",
    "Binarize",
    "Block",
    "Categories",
    "ClientEncoder",
    "Columns",
    "Count",
    "Divide",
    "Flags",
    "Hash",
    "Multiply",
    "Normalize",
    "OneHot",
    "Ordinal",
    "Project",
    "Select",
    "Step",
    "Subtract",
    "TfIdf",
]
