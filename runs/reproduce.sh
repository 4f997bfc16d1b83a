#!/usr/bin/env bash
# From the two CSV files to the shipped bundle and its table, by one command that may be stopped and given again:
#
#     runs/reproduce.sh DATA [OUT]      # DATA: FER2013 and fer2013new.csv, however packed; OUT: reproduced, if not given
#
# About two hours on one core with bfloat16 units; PRECISION=float32 where there are none. Needs
# `pip install -c constraints.txt '.[lab,onnx]'`. The same machine, precision and threads give the same weights bit for bit;
# others give a run of the same recipe. SHORT=1: one epoch, to try the way itself (minutes), of slim: after so little, nimble's
# int8 weights still change too many answers for export.
set -euo pipefail
data=${1:?usage: runs/reproduce.sh DATA [OUT]} out=${2:-reproduced} here=$(cd "$(dirname "$0")/.." && pwd)
precision=${PRECISION:-${SHORT:+auto}}

mien data check "$data"
mien train "$here/recipes/nimble.toml" --data "$data" --threads 1 --precision "${precision:-bfloat16}" --resume \
  --out "$out/runs" --results "$out/results" ${SHORT:+--set epochs=1 --set model=slim}
mien export "$out/runs/nimble-0/checkpoint.pt" --data "$data" --out "$out/mien" --name mien
mien evaluate "$out/mien" --data "$data" --engine litert,litert-int8
mien report --results "$out/results"
mien predict "$here/examples/astronaut.jpg" --model "$out/mien"
