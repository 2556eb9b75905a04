"""Gaussian Naive Bayes: GaussianNB.

The contract keeps, for each class and feature, the exact integer sum of the values and of their squares,
and for each class its number of samples: mean and variance follow from them at every prediction, so that
an update is three additions and the model is what training on all the data gives.

The smoothing `epsilon_` is the published model's and does not change. scikit-learn computes it anew from
the samples of each batch: of a batch of one it would be 0.
"""

from __future__ import annotations

from dcai_compile.families.gaussian_bayes import extract, family

__all__ = ["extract", "family"]
