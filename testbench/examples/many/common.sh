# What the engines share: the program, a design of the shipped model, a run, and the comparison with the run that nobody divided.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
RUN=${RUN:-eval} N=${N:-8} OUT=${OUT:-$root/out/many} DATA=${DATA:-/usr/share/datasets/fashion-mnist}
model=$root/testbench/reference/gac_fashion_t4.safetensors
if [ -z "${SPIKEGATE:-}" ]; then
  cargo build --release -p spikegate --manifest-path "$root/Cargo.toml"
  SPIKEGATE=$root/target/release/spikegate
fi
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
design=$OUT/design
[ -e "$design/manifest.json" ] || "$SPIKEGATE" -q compile "$model" --array 4,1,8,8 --calib "$DATA" -o "$design"
case $RUN in
  simulate) run=(simulate "$design" --input "$DATA" --images "${IMAGES:-8}" --trace all) json=() ;;
  eval) run=(eval "$design" --input "$DATA" --images "${IMAGES:-10000}") json=(--results json) ;;
  sweep) run=(sweep "$model" --calib "$DATA" --input "$DATA" --images "${IMAGES:-200}" --selections 2) json=() ;;
  *) echo "RUN is $RUN: expected simulate, eval or sweep" >&2; exit 2 ;;
esac
parts=$OUT/$(basename "$0" .sh)-$RUN
rm -rf "$parts"
mkdir "$parts"

# The command line of one part, to its file; the part's number is a word of the engine's.
part() { printf '%q ' "$SPIKEGATE" -q "${run[@]}"; printf -- '--shard %s -o %s/part-%s.json' "$1" "$(printf %q "$parts")" "$2"; }

# Compares what was merged with the run that nobody divided.
compare() {
  local whole=$OUT/whole-$RUN.json begin=$SECONDS
  if [ ! -e "$whole" ]; then
    "$SPIKEGATE" -q "${run[@]}" "${json[@]}" -o "$whole" > /dev/null
    echo "undivided: $((SECONDS - begin)) s"
  fi
  cmp "$whole" "$parts/merged.json"
  sha256sum "$whole" "$parts/merged.json"
  echo "equal to the run that nobody divided"
}
