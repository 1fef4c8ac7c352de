# Function of the other scripts here, which set $python, that of the development environment.
pins=tests/interop/pins

# Makes .venv-interop/STACK, unless it is there with the same pins. The copy of the pins comes last: an interrupted
# installation starts again. Its status is asked for, hence the chain: `set -e` has no effect in such a function.
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
