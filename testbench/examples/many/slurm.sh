#!/usr/bin/env bash
# A Slurm array hands out the parts, on a cluster of this machine alone that is thrown away behind it.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cluster=$(mktemp -d)
chmod 711 "$cluster"
mkdir "$cluster/state" "$cluster/spool"
stop() {
  # Tasks that still run, where the array was interrupted.
  if [ -e "$cluster/slurmctld.pid" ]; then
    scancel --quiet --user="$(id -un)" || true
    for _ in $(seq 50); do
      [ -n "$(squeue -h 2> /dev/null)" ] || break
      sleep 0.2
    done
  fi
  for daemon in slurmd slurmctld munged; do
    if [ -e "$cluster/$daemon.pid" ]; then
      pid=$(cat "$cluster/$daemon.pid")
      kill "$pid" && while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
    fi
  done
  [ "$1" = 0 ] || tail -n 20 "$cluster"/*.log >&2
  rm -rf "$cluster"
}
trap 'stop $?' EXIT

# Two ports that are free.
read -r first second < <(python3 -c '
import socket
all = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in all))')
host=$(hostname -s)
cat > "$cluster/slurm.conf" <<END
ClusterName=many
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
SlurmctldPort=$first
SlurmdPort=$second
AuthType=auth/munge
AuthInfo=socket=$cluster/munge.socket
CredType=cred/munge
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.pid
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdLogFile=$cluster/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$cluster/slurm.conf PATH=$PATH:/usr/sbin
dd if=/dev/urandom of="$cluster/munge.key" bs=1024 count=1 status=none
chmod 400 "$cluster/munge.key"
munged --key-file="$cluster/munge.key" --socket="$cluster/munge.socket" --pid-file="$cluster/munged.pid" \
  --log-file="$cluster/munged.log" --seed-file="$cluster/munge.seed"
slurmctld
slurmd -N "$host"
for _ in $(seq 100); do
  [ "$(sinfo -h -o %T 2> /dev/null)" != idle ] || break
  sleep 0.2
done
sinfo

begin=$SECONDS
sbatch --wait --array="1-$N" --output="$parts/log-%a" --wrap "$(part slurm "\$SLURM_ARRAY_TASK_ID")" || {
  cat "$parts"/log-* >&2
  exit 1
}
"$SPIKEGATE" merge "$parts"/part-*.json -o "$parts/merged.json"
echo "$N parts and their merger: $((SECONDS - begin)) s"
compare
