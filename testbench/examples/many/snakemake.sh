#!/usr/bin/env bash
# Snakemake hands out the parts: a rule for a part, and one that merges them.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
if [ ! -x "$OUT/venv/bin/snakemake" ]; then
  python3 -m venv "$OUT/venv"
  "$OUT/venv/bin/pip" install -q snakemake
fi
begin=$SECONDS
WORDS=$(printf '%q ' "${run[@]}")
export SPIKEGATE WORDS N
"$OUT/venv/bin/snakemake" --cores all --snakefile "$(dirname "${BASH_SOURCE[0]}")/Snakefile" --directory "$parts"
cat "$parts/merged.txt"
echo "$N parts and their merger: $((SECONDS - begin)) s"
compare
