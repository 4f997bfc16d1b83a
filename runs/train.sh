#!/usr/bin/env bash
# Teachers and their students, several seeds side by side: what a GPU does in minutes and a core in days.
#
#     SEEDS="0 1 2 3 4" DEVICE=cuda runs/train.sh DATA [OUT]
#
# On FER+: `nimble` untaught; `stout` and `compact`, the teachers, once; `nimble` taught by both; and `nimble` on FER2013's own
# seven labels. Each may be stopped and given again. OUT: trained, if not given. Needs `pip install -c constraints.txt '.[lab]'`;
# where torch and numpy are all there is, bring the rest (`pip install --target vendor typer rich pillow`) and say
# PYTHONPATH=src:vendor MIEN="python -m mien". SHORT=1: an epoch of slim for each, to try the way itself.
set -euo pipefail
data=${1:?usage: runs/train.sh DATA [OUT]} out=${2:-trained} here=$(cd "$(dirname "$0")/.." && pwd)
read -ra seeds <<< "${SEEDS:-0}"

train() { # RECIPE SEED [OPTION…]
  ${MIEN:-mien} train "$here/recipes/$1.toml" --seed "$2" --data "$data" --device "${DEVICE:-auto}" --threads 1 --resume \
    --precision "${PRECISION:-auto}" --out "$out/runs" --results "$out/results" "${@:3}" ${SHORT:+--set epochs=1 --set model=slim}
}
untaught() { train nimble "$1"; }
seven() { train nimble "$1" --set name=nimble-fer2013 --set labels=fer2013; }
taught() { train student "$1" --teacher "$out/runs/stout-0/checkpoint.pt" --teacher "$out/runs/teacher-compact-0/checkpoint.pt"; }

together() { # one process for each of these commands, in words; fails if one fails
  local running=() command pid
  for command in "$@"; do $command & running+=($!); done
  for pid in "${running[@]}"; do wait "$pid"; done
}

together "train stout 0" "train nimble 0 --set name=teacher-compact --set model=compact" \
  "${seeds[@]/#/untaught }" "${seeds[@]/#/seven }"
together "${seeds[@]/#/taught }"
