#!/usr/bin/env bash
# The lab's hosts, one machine-like container each, with a disk of its own that can be full.
#   host.sh template     makes the disk that every host starts from: a Docker engine's folder with the stand-ins in it
#   host.sh up NAME      starts the host (sluice-lab-1, ...), or makes it; nothing to do when it runs. Prints its address
#   host.sh down NAME    removes it and its disk
#   host.sh remove       removes all of them, the network and the template
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=paths.sh
. "$here/paths.sh"
hosts=$cache/hosts

# CAP_SYS_RESOURCE is missing on some machines, so --privileged is no choice.
capabilities=(CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_ADMIN NET_RAW
  IPC_LOCK SYS_CHROOT SYS_PTRACE SYS_ADMIN SYS_NICE MKNOD AUDIT_WRITE SETFCAP SYS_TIME SYSLOG)
on_disk=(/var/lib/docker /var/lib/containers /home /root /tmp /srv /opt)

run() { # NAME ADDRESS: the container, on the disk that is mounted at $hosts/NAME/disk
  local name=$1 address=$2 folder arguments=()
  for capability in "${capabilities[@]}"; do arguments+=("--cap-add=$capability"); done
  for folder in "${on_disk[@]}"; do arguments+=(-v "$hosts/$name/disk$folder:$folder"); done
  docker run -d --name "$name" --hostname "$name" --network "$network" --ip "$address" --stop-timeout 5 \
    --label com.sluice.lab="$(host_key)" --cap-drop=ALL "${arguments[@]}" \
    --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined \
    --device /dev/net/tun --device /dev/fuse --cgroupns host -v /sys/fs/cgroup:/sys/fs/cgroup:rw --tmpfs /run:mode=755,exec \
    -v "$cache/keys/authorized_keys:/lab/authorized_keys:ro" -v "$cache/bin:/usr/local/share/lab:ro" sluice-lab/host >/dev/null
}

wait_until_ready() {
  for _ in $(seq 200); do
    if docker exec "$1" test -e /run/lab-ready 2>/dev/null; then return; fi
    sleep 0.1
  done
  docker logs --tail 20 "$1" >&2
  echo "$1 did not start" >&2
  return 1
}

unmount() {
  for _ in $(seq 50); do
    mountpoint -q "$1" || return 0
    umount "$1" 2>/dev/null || sleep 0.1
  done
  umount -l "$1"
}

down() {
  docker rm -f "$1" >/dev/null 2>&1 || true
  if [ -d "$hosts/$1/disk" ]; then unmount "$hosts/$1/disk"; fi
  rm -rf "${hosts:?}/$1/disk" "$hosts/$1/disk.img"
}

mount_disk() {
  mkdir -p "$hosts/$1/disk"
  mountpoint -q "$hosts/$1/disk" || mount -o loop,nodiscard "$hosts/$1/disk.img" "$hosts/$1/disk"
}

template() {
  local key name=sluice-lab-template
  key=$(disk_key)
  [ ! -e "$hosts/template-$key.img" ] || return 0
  down "$name"
  mkdir -p "$hosts/$name"
  truncate -s "${SLUICE_LAB_DISK:-8G}" "$hosts/$name/disk.img"
  mkfs.ext4 -q -m 0 -O ^has_journal "$hosts/$name/disk.img"
  mount_disk "$name"
  for folder in "${on_disk[@]}"; do mkdir -p "$hosts/$name/disk$folder"; done
  mkdir -p "$hosts/$name/disk/home/deploy"
  run "$name" 10.213.0.250
  wait_until_ready "$name"
  docker save "${images_in_hosts[@]}" | docker exec -i "$name" docker load -q >/dev/null
  docker exec "$name" sh -c '
    docker images --no-trunc --format "{{.Repository}}:{{.Tag}}" >/var/lib/docker/lab-images
    docker images -aq --no-trunc >/var/lib/docker/lab-image-ids
    lab-engine stop'
  docker rm -f "$name" >/dev/null
  unmount "$hosts/$name/disk"
  rm -f "$hosts"/template-*.img
  mv "$hosts/$name/disk.img" "$hosts/template-$key.img"
  rm -rf "${hosts:?}/$name"
}

up() {
  local name=$1 address
  # While the machine is being prepared, wait.
  exec 9<"$cache/prepare.lock"
  flock -s 9
  address=10.213.0.$((10 + ${name##*-}))
  if [ "$(docker inspect --format '{{index .Config.Labels "com.sluice.lab"}}' "$name" 2>/dev/null)" != "$(host_key)" ]; then
    down "$name"
    mkdir -p "$hosts/$name"
    cp --sparse=always "$hosts/template-$(disk_key).img" "$hosts/$name/disk.img"
    mount_disk "$name"
    run "$name" "$address"
    wait_until_ready "$name"
    docker exec "$name" lab-reset
  elif [ "$(docker inspect --format '{{.State.Running}}' "$name")" != true ]; then
    mount_disk "$name"
    docker start "$name" >/dev/null
    wait_until_ready "$name"
  fi
  echo "$address"
}

names() { docker ps -aq --filter label=com.sluice.lab --format '{{.Names}}'; }

case ${1:-} in
  template) template ;;
  up) up "$2" ;;
  down) down "$2" ;;
  remove)
    for name in $(names); do down "$name"; done
    docker network rm "$network" >/dev/null 2>&1 || true
    rm -rf "$hosts"
    ;;
  *) echo 'usage: host.sh template | up NAME | down NAME | remove' >&2 && exit 2 ;;
esac
