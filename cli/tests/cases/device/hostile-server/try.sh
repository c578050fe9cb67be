# What a command says about each of these servers, and how it ends. It may take 1 GiB.
command=$1; shift
for attack; do
  rm -f card; python3 server.py "$attack" card & server=$!
  for _ in {1..200}; do [[ -S card ]] && break; sleep 0.05; done
  (ulimit -v 1048576; timeout 8 spikegate $command --device vfio-user:card 2>&1) | head -n 2 | cut -c 1-300
  echo "$attack: ${PIPESTATUS[0]}"
  kill $server 2>/dev/null; wait $server
done
true
