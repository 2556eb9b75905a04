"""The list of packages, which pyproject.toml cannot express; everything else stands there.

setuptools either finds packages or maps folders onto names, not both: the Python packages are
found, so that a new one needs no entry anywhere, and the two mapped folders are added.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["dcai_compile", "dcai_compile.*"]),
        "dcai_compile.contracts",
        "dcai_compile.templates",
    ]
)
