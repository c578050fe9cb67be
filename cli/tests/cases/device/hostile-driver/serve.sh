# A card, an attack on it, and then a driver that must be served. The card may take 1 GiB.
(ulimit -v 1048576; exec spikegate card --design "$2" --socket card --fast -q 2>said) & card=$!
for _ in {1..200}; do [[ -S card ]] && break; sleep 0.05; done
python3 driver.py "$1" card || { cat said; kill $card; exit 9; }
spikegate info --device vfio-user:card || { cat said; kill $card; exit 8; }
kill $card; wait $card; echo "the card ended with $?"; cat said
[[ -e card ]] && echo "its socket is there still"
true
