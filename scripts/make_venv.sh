#!/bin/sh
# make_venv.sh FOLDER [PYTHON]: an empty virtual environment in FOLDER, of the first interpreter
# of PYTHON, python3.12, python3.11, python3 that is 3.11 or newer. Says what to install when
# there is none, or when it cannot make environments.
set -eu

folder=$1
wanted=${2:-}

# Run, not looked up: a version manager's shim may be on the PATH and lead nowhere.
recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

python=
for candidate in $wanted python3.12 python3.11 python3; do
    if recent "$candidate"; then
        python=$candidate
        break
    fi
    if [ "$candidate" = "$wanted" ]; then
        echo "PYTHON=$wanted is not a Python of 3.11 or newer; looking for another" >&2
    fi
done
if [ -z "$python" ]; then
    echo "error: Python 3.11 or newer is needed, and neither python3.12, python3.11 nor python3 is" >&2
    echo "hint: Debian 12 or newer: apt install python3 python3-venv; or name one: make PYTHON=..." >&2
    exit 1
fi

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "error: $python (Python $version) cannot make virtual environments: it lacks ensurepip" >&2
    echo "hint: Debian, Ubuntu: apt install python$version-venv" >&2
    exit 1
fi

echo "making $folder with $python (Python $version)"
"$python" -m venv --clear "$folder"
