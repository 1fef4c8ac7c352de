# Tests stacks, each in an environment of its own, records what they saw and renews the table in README.md.
# Usage: sh tests/interop/run.sh PYTHON [STACK ...]
# PYTHON is that of the development environment, which is also the one of the stack "core"; without STACK, all are tested.
set -eu
python=$1
shift
pins=tests/interop/pins
# The floors last: their tests check the table that the others have renewed.
known="core $(cd $pins && ls | sed -n 's/\.txt$//p' | grep -vx floors | tr '\n' ' ')floors"
for stack; do
  case " $known " in
    *" $stack "*) ;;
    *) echo "STACK must be one of: $known; got: $stack" >&2; exit 2 ;;
  esac
done
[ $# -gt 0 ] || set -- $known

# Makes .venv-interop/STACK, unless it is there with the same pins. The copy of the pins comes last: an interrupted
# installation starts again.
environment() {
  venv=.venv-interop/$1
  cmp -s "$pins/$1.txt" "$venv/pins.txt" && return
  echo "installing $venv from $pins/$1.txt"
  pip="$venv/bin/python -m pip --disable-pip-version-check --quiet install"
  "$python" -m venv --clear "$venv" &&
    $pip --requirement "$pins/$1.txt" &&
    $pip --no-deps --editable . &&
    cp "$pins/$1.txt" "$venv/pins.txt"
}

# Functions whose status is asked for run without `set -e`, hence the chains with &&.
test_stack() {
  case $1 in
    core) "$python" -m pytest -q tests/interop --stack core --record ;;
    # TorchRL is no dependency, and 0.14.1 does not work with the lowest version of gymnasium.
    floors) environment floors && .venv-interop/floors/bin/python -m pytest -q --ignore tests/interop/test_torchrl.py ;;
    *) environment "$1" && ".venv-interop/$1/bin/python" -m pytest -q tests/interop --stack "$1" --record ;;
  esac
}

passed= failed=
for stack; do
  echo "== $stack"
  if test_stack "$stack"; then passed="$passed $stack"; else failed="$failed $stack"; fi
  "$python" -m tests.interop.table --write
done
echo "passed:${passed:- none}; failed:${failed:- none}"
[ -z "$failed" ]
