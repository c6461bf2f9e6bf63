# shellcheck shell=bash disable=SC2034
# Where the lab keeps what was expensive to make, outside of any checkout, and what it calls its things.
cache=${SLUICE_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice-lab}
network=sluice-lab
subnet=10.213.0.0/24
gateway=10.213.0.1
images_in_hosts=(debian:bookworm-slim node:26-bookworm-slim caddy:2.10 caddy:2 mariadb:11 postgres:17)

# Change when an image does: a disk, or a host, that was made from others is made again.
disk_key() { docker image inspect --format '{{.Id}}' "${images_in_hosts[@]}" | sha256sum | cut -c1-12; }
host_key() { { disk_key && docker image inspect --format '{{.Id}}' sluice-lab/host; } | sha256sum | cut -c1-12; }
