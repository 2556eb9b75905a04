"""Linear classifiers: ``w x + b`` a row, one row for two classes, else one a class.

extract.py            the ways in which scikit-learn, and DCAI's JSON, keep a linear model
steps.py plan.py      training steps, and the proof that they cannot overflow
grid.py bounds.py     weights as integers, and how wrong they can be
mirror.py             the contract in integers: ENCODE, SCORE, DECIDE, UPDATE
learning.py           the mirror's updates against scikit-learn's `partial_fit`
family.py             all of it behind `Family`, with the rows for `templates/linear.sol.j2`
"""

from dcai_compile.families.linear import extract, family

__all__ = ["extract", "family"]
