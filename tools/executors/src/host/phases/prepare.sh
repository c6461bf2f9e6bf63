# Puts the files of a release on the host (a tar on standard input; for a release that is there already, an empty one will do), makes
# what releases share where it is missing (networks, volumes, the proxy), and with ACCESSORIES=yes starts what of them does not run.
hold
journal prepare began "$release"
folder=$(release_folder)
mkdir -p "$home/releases" "$home/run"

rm -rf "$folder.tmp"
mkdir "$folder.tmp"
tar -xf - -C "$folder.tmp" || fail HOST_DISK_FULL "said=the files of the release could not be written ($(free_mb "$home") MB are free)"
if [ -e "$folder.tmp/compose.yaml" ]; then
  find "$folder.tmp" -type f -exec chmod 600 {} +
  # A release that failed before may be deployed again under its name only by hand.
  for file in "$folder.tmp"/*; do synced "$file"; done
  rm -rf "$folder"
  mv "$folder.tmp" "$folder"
  synced "$home/releases"
else
  rm -rf "$folder.tmp"
fi
need_file compose.yaml services network volumes
find_engine

network=$(first_line "$folder/network")
docker network inspect "$network" >/dev/null 2>&1 ||
  docker network create --label "com.sluice.service=$service" --label "com.sluice.environment=$environment" "$network" >/dev/null 2>&1 ||
  docker network inspect "$network" >/dev/null

while IFS= read -r line; do
  name=${line%%"$tab"*}
  if docker volume inspect "$name" >/dev/null 2>&1 </dev/null; then continue; fi
  rest=${line#*"$tab"}
  set -- --driver "${rest%%"$tab"*}"
  while [ "$rest" != "${rest#*"$tab"}" ]; do
    rest=${rest#*"$tab"}
    set -- "$@" --opt "${rest%%"$tab"*}"
  done
  docker volume create "$@" --label "com.sluice.service=$service" --label "com.sluice.environment=$environment" "$name" >/dev/null </dev/null
done <"$folder/volumes"

if proxied "$folder"; then proxy_ensure "$folder"; fi

if [ "${SLUICE_ACCESSORIES:-no}" = yes ]; then
  need_file accessories.yaml
  accessories=$(printf %s "$service-$environment" | tr '[:upper:]' '[:lower:]')
  logged compose -p "$accessories" -f "$folder/accessories.yaml" up -d || fail ACCESSORIES_FAILED "said=$said"
  # Migrations need them: those that can say so are ready first.
  waited=0
  for id in $(docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$accessories"); do
    [ "$(label "$id" com.docker.compose.oneoff)" != True ] || continue
    while container_check "$id" && [ "$verdict" != ok ]; do
      if [ "$verdict" = crashed ] || [ "$waited" -ge 180 ]; then
        last_words "$id"
        fail ACCESSORY_UNHEALTHY "service=$(label "$id" com.docker.compose.service)" "found=$found"
      fi
      waited=$((waited + 1))
      sleep 0.5
    done
  done
fi
journal prepare 'done' "$release"
