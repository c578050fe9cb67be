#!/usr/bin/env bash
# GNU parallel hands out the parts: as many at a time as there are processors.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
begin=$SECONDS
export SPIKEGATE
parallel --will-cite --halt now,fail=1 "$(part "{}/$N" "{}")" ::: $(seq "$N") > /dev/null
"$SPIKEGATE" merge "$parts"/part-*.json -o "$parts/merged.json"
echo "$N parts and their merger: $((SECONDS - begin)) s"
compare
