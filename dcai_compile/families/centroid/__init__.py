"""Centroid models: NearestCentroid, and DCAI's two nearest centroid classifiers.

The contract keeps the exact integer sum of each class's samples and their number, never a rounded mean,
so that an update is an addition and the model is what training on all the data gives.
"""

from __future__ import annotations

from dcai_compile.families.centroid import extract, family

__all__ = ["extract", "family"]
