# Tests stacks, each in an environment of its own, records what they saw and renews the table in README.md.
# Usage: sh tests/interop/run.sh PYTHON [STACK ...]
# PYTHON is that of the development environment, which is also the one of the stack "core"; without STACK, all are tested.
set -eu
python=$1
shift
. tests/interop/environment.sh
# The floors last: their tests check the table that the others have renewed.
known="core $(cd $pins && ls | sed -n 's/\.txt$//p' | grep -vx floors | tr '\n' ' ')floors"
for stack; do
  case " $known " in
    *" $stack "*) ;;
    *) echo "STACK must be one of: $known; got: $stack" >&2; exit 2 ;;
  esac
done
[ $# -gt 0 ] || set -- $known

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
begun=$(mktemp)
trap 'rm -f "$begun"' EXIT
for stack; do
  echo "== $stack"
  touch "$begun"
  if test_stack "$stack"; then
    passed="$passed $stack"
  else
    failed="$failed $stack"
    # The tests may not have come as far as to renew the record; then the old one would stay in the table.
    "$python" -m tests.interop.records drop "$stack" "$begun"
  fi
  "$python" -m tests.interop.table --write
done
echo "passed:${passed:- none}; failed:${failed:- none}"
[ -z "$failed" ]
