#!/bin/sh
# wheel_check.sh PYTHON: a built wheel, installed in an empty environment, compiles and proves a
# model in a folder away from the checkout. PYTHON is the development environment's.
#
# The wheel is built from the sdist, the sdist from a copy of the sources without anything left
# over from earlier builds. Only what the wheel asks for is installed, at the lock's versions, so
# a dependency that only the development environment has would be missed here.
set -eu

checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
case $1 in
    /*) python=$1 ;;
    *) python=$PWD/$1 ;;
esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
unset PYTHONPATH PYTHONHOME || true

echo "wheel-check: build"
mkdir "$scratch/sources" "$scratch/away"
cd "$checkout"
cp -R pyproject.toml setup.py LICENSE dcai_compile templates contracts "$scratch/sources/"
if [ -f README.md ]; then cp README.md "$scratch/sources/"; fi
find "$scratch/sources" -name __pycache__ -type d -prune -exec rm -rf {} +
if ! "$python" -m build --no-isolation --outdir "$scratch/dist" "$scratch/sources" \
    >"$scratch/build.log" 2>&1; then
    cat "$scratch/build.log" >&2
    exit 1
fi
wheel=$(echo "$scratch"/dist/*.whl)

echo "wheel-check: every source file is in $(basename "$wheel")"
"$python" - "$scratch/sources" "$wheel" <<'PROGRAM'
import sys
from pathlib import Path
from zipfile import ZipFile

sources, wheel = Path(sys.argv[1]), sys.argv[2]
homes = {
    "dcai_compile": "dcai_compile",
    "templates": "dcai_compile/templates",
    "contracts": "dcai_compile/contracts",
}
wanted = {
    f"{home}/{path.relative_to(sources / folder).as_posix()}"
    for folder, home in homes.items()
    for path in (sources / folder).rglob("*")
    if path.is_file()
}
packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
for name in sorted(wanted - packed):
    print(f"not in the wheel: {name} (see package-data in pyproject.toml)")
for name in sorted(packed - wanted):
    print(f"in the wheel, but not in the sources: {name}")
sys.exit(packed != wanted)
PROGRAM

echo "wheel-check: install in an empty environment"
"$python" -m venv "$scratch/venv"
# The lock as constraints: its versions without its hashes, which pip takes for all or for none.
sed -e '/^ *--hash/d' -e '/^ *#/d' -e 's/ *\\$//' requirements.lock >"$scratch/constraints.txt"
cd "$scratch/away"
"$scratch/venv/bin/python" -m pip install --quiet --constraint "$scratch/constraints.txt" "$wheel"
"$scratch/venv/bin/python" -m pip check

echo "wheel-check: compile a model in $PWD"
cat >check.py <<'PROGRAM'
import sys
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import dcai_compile

home = Path(dcai_compile.__file__).resolve()
assert home.is_relative_to(Path(sys.prefix).resolve()), f"not the installed package: {home}"

X, y = load_iris(return_X_y=True)
estimator = LogisticRegression(max_iter=1_000).fit(X, y)
compiled = dcai_compile.compile_model(estimator, X, update="frozen", incentive=None)
assert compiled.bytecode, "there is no bytecode"
report = compiled.verify(X[:20])
assert report.samples == 20, report
assert report.evm_mismatches == 0, report
print(f"{report.samples} samples, no mismatch")
PROGRAM
"$scratch/venv/bin/python" check.py
"$scratch/venv/bin/dcai" supported >supported.txt
grep -q LogisticRegression supported.txt
echo "wheel-check: passed"
