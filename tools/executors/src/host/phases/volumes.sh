# Named volumes, as tar streams that the engine itself makes: by `cp` from and to a container that is never started. So no image
# needs a tar, and nobody needs to read the engine's own folders.

# volume_name VOLUME: as the engine knows it.
volume_name() { printf '%s_%s' "$(accessories_project)" "$1"; }

volume_exists() { docker volume inspect "$1" >/dev/null 2>&1 </dev/null; }

# any_image: one that is here. What it holds does not matter.
any_image() {
  for volume_container in $(containers) $(docker ps --all --quiet --filter "label=com.docker.compose.project=$(accessories_project)"); do
    docker inspect --format '{{.Image}}' "$volume_container" && return 0
  done
  docker images --quiet --no-trunc | sed -n 1p
}

# volume_leftovers: removes what a backup or restore that was cut off still has.
volume_leftovers() {
  for volume_container in $(containers com.sluice.part=sluice-copy); do docker rm --force "$volume_container" >/dev/null </dev/null || :; done
}

# volume_holder VOLUME[:ro]: makes the container, and prints its id.
volume_holder() {
  docker create --label com.sluice.part=sluice-copy --label "com.sluice.service=$service" --label "com.sluice.environment=$environment" --label "com.sluice.run=$run" \
    --network none --volume "${1%:ro}:/sluice-volume${1##"${1%:ro}"}" "$(any_image)" true </dev/null
}

# volume_read VOLUME: as a tar, to standard output.
volume_read() {
  volume_id=$(volume_holder "$1:ro") || return 1
  volume_status=0
  docker cp "$volume_id:/sluice-volume/." - </dev/null || volume_status=$?
  docker rm --force "$volume_id" >/dev/null </dev/null || :
  return "$volume_status"
}

# volume_write VOLUME: from a tar on standard input, with the owners that it says.
volume_write() {
  volume_id=$(volume_holder "$1") || return 1
  volume_status=0
  docker cp --archive=false - "$volume_id:/sluice-volume" || volume_status=$?
  docker rm --force "$volume_id" >/dev/null </dev/null || :
  return "$volume_status"
}

# volume_entries: names, sizes and owners of the tar on standard input, in one line that can be compared.
volume_entries() { tar -tvf - | grep -v ' \./$' | sed 's/  */ /g' | sort | sha256sum | cut -d ' ' -f 1; }

# volume_swap LIVE FRESH REPLACED: engines cannot rename a volume, so what LIVE holds is copied to REPLACED, then what FRESH holds
# to LIVE. Only a container that has a shell can do that. LIVE itself keeps its owner and mode.
# The mark in REPLACED says that it is whole: a swap that broke off goes on from there, and never takes a half-filled LIVE for the old.
volume_swap() {
  docker volume create "$3" >/dev/null </dev/null || return 1
  for volume_image in $(docker ps --filter "label=com.docker.compose.project=$(accessories_project)" --format '{{.Image}}' </dev/null) \
    $(containers | while read -r volume_container; do docker inspect --format '{{.Image}}' "$volume_container" </dev/null; done) \
    $(docker ps --filter name=sluice-proxy --format '{{.Image}}' </dev/null); do
    docker run --rm --network none --entrypoint sh "$volume_image" -c 'command -v cp && command -v rm' >/dev/null 2>&1 </dev/null || continue
    # shellcheck disable=SC2016 # Expanded by the container's shell.
    docker run --rm --network none --user 0:0 --entrypoint sh --label com.sluice.part=sluice-copy --label "com.sluice.service=$service" \
      --label "com.sluice.environment=$environment" --label "com.sluice.run=$run" \
      --volume "$1:/live" --volume "$2:/fresh:ro" --volume "$3:/replaced" "$volume_image" -c '
        set -eu
        all() { for f in "$1"/* "$1"/.[!.]* "$1"/..?*; do if [ -e "$f" ] || [ -L "$f" ]; then "$2" "$f"; fi; done; }
        keep() { cp -a "$1" /replaced/; }
        drop() { rm -rf "$1"; }
        take() { cp -a "$1" /live/; }
        [ -e /replaced/.sluice-replaced ] || { all /replaced drop; all /live keep; sync; : >/replaced/.sluice-replaced; }
        all /live drop
        all /fresh take
        sync' </dev/null
    return
  done
  echo 'no image on this host has a shell to copy with' >&2
  return 1
}
