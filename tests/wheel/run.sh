# Runs the tests against an installed wheel, in a fresh environment and a folder outside the repository.
# Usage: sh tests/wheel/run.sh PYTHON WHEEL [PYTEST ARGUMENTS]
set -eu
python=$1 wheel=$(realpath "$2")
shift 2
outside=$(mktemp -d)
trap 'rm -rf "$outside"' EXIT
trap 'exit 130' INT TERM

"$python" -m venv "$outside/venv"
installed=$outside/venv/bin/python
pip="$installed -m pip --disable-pip-version-check --quiet"

# First with the declared dependencies alone, so that a missing one shows before the test tools bring it along.
$pip install --no-compile --constraint constraints.txt "$wheel"
cp -R tests examples README.md CONTRIBUTING.md setup.cfg "$outside"
(cd "$outside" && "$installed" tests/wheel/import_everything.py)

$pip install --no-compile --constraint constraints.txt "$wheel[test]"
cd "$outside"
"$installed" -m pytest -q "$@"
