#!/usr/bin/env bash
# Whether mien works with the lowest and with the highest versions of what its base install and `onnx` ask for, on each Python.
#
#     runs/installs.sh                     # 3.11 to 3.14, highest and lowest
#     runs/installs.sh lowest-direct 3.11  # one of them
#
# Each is an environment of its own with a wheel of this checkout, in which the tests of the runtime run. For a Python that is not
# on this machine it is only looked up that such versions exist, as wheels. Needs uv.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 OMP_NUM_THREADS=1
EXTRA=onnx
TESTS=(tests/test_results.py tests/inference/test_{detector,faces,recognizer,weights}.py tests/media/test_{images,draw,sinks}.py
       tests/cli/test_{predict,output}.py)
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT

try() {
  local resolution=$1 version=$2
  local wanted=(--quiet --resolution "$resolution" --only-binary :all: --extra "$EXTRA")
  if ! uv python find --quiet "$version" > /dev/null 2>&1; then
    uv pip compile "${wanted[@]}" --python-version "$version" pyproject.toml > /dev/null
    echo "Python $version, $resolution: not here, resolved only"
    return
  fi
  local python="$FOLDER/$resolution-$version/bin/python"
  uv venv --quiet --python "$version" "$FOLDER/$resolution-$version"
  uv pip install "${wanted[@]}" --python "$python" -r pyproject.toml
  uv pip install --quiet --python "$python" --no-deps .
  uv pip install --quiet --python "$python" pytest pytest-timeout hypothesis jsonschema
  echo "Python $version, $resolution: $("$python" -m pytest -p no:cacheprovider "${TESTS[@]}" | tail -1)"
  uv pip freeze --quiet --python "$python" | grep -E '^(numpy|pillow|ai-edge-litert|typer|rich|onnxruntime)=' | paste -sd ' '
}

if [ $# = 2 ]; then
  try "$1" "$2"
else
  for version in 3.11 3.12 3.13 3.14; do
    for resolution in highest lowest-direct; do try "$resolution" "$version"; done
  done
fi
