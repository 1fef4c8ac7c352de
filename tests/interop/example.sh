# Runs an example in the environment that has its libraries, which is made if it is not there.
# Usage: sh tests/interop/example.sh PYTHON NAME [ARGUMENT ...]
# PYTHON is that of the development environment; NAME a file in examples/, without ".py".
set -eu
python=$1
name=$2
shift 2
. tests/interop/environment.sh

stack=$("$python" -m tests.interop.records stack-of "$name")
if [ "$stack" != core ]; then
  environment "$stack" || exit 1
  python=.venv-interop/$stack/bin/python
fi
exec "$python" "examples/$name.py" "$@"
