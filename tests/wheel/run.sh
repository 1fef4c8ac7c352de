# Runs the tests against an installed wheel, in a fresh environment and a folder outside the repository.
# Usage: sh tests/wheel/run.sh PYTHON WHEEL [PYTEST ARGUMENTS]
# PYTHON is that of the development environment, which lends its test tools and the libraries of the extra.
set -eu
python=$1 wheel=$(realpath "$2")
shift 2
outside=$(mktemp -d)
trap 'rm -rf "$outside"' EXIT
trap 'exit 130' INT TERM

"$python" -m venv "$outside/venv"
installed=$outside/venv/bin/python

# First with the declared dependencies alone, so that a missing one shows before the test tools bring it along.
"$installed" -m pip --disable-pip-version-check --quiet install --no-compile --constraint constraints.txt "$wheel"
cp -R tests examples README.md CONTRIBUTING.md setup.cfg "$outside"
(cd "$outside" && "$installed" tests/wheel/import_everything.py)

# Installing torch and its kind a second time would take longer than the tests. The fresh environment comes first on the
# path, and .pth files of the borrowed one are not read, so that the package is the wheel's and not that of the repository.
folder='import sysconfig; print(sysconfig.get_path("purelib"))'
"$python" -c "$folder" > "$("$installed" -c "$folder")/borrowed.pth"
cd "$outside"
"$installed" tests/wheel/import_everything.py
# What this run may find is a fault of the packaging: a file that is not there, a path, a command, an extra. Proofs of
# algorithms call functions of modules that were just imported; they would compute here what they compute in the checkout.
# A browser would be shown the bytes that it is shown there; that the wheel can write a page is tested without one.
# Kills and clusters fall upon the processes of a study, which other tests start from the wheel.
"$installed" -m pytest -q -m "not algorithm and not browser and not processes" "$@"
