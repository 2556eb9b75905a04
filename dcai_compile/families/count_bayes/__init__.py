"""Naive Bayes on counts: MultinomialNB, ComplementNB, BernoulliNB and CategoricalNB.

A likelihood is a product of rational numbers. The contract multiplies their integer numerators,
``count * FACTOR_M + alpha``, as mantissa and exponent, divides once by the power of the class's
denominator, and compares the products: no logarithm, no underflow. The counts are sufficient
statistics, so an update adds to them and the model is what `fit` on all the data gives.
"""

from __future__ import annotations

from dcai_compile.families.count_bayes import extract, family

__all__ = ["extract", "family"]
