# Puts the files of a release on the host (a tar on standard input; for a release that is there already, an empty one will do), makes
# what releases share where it is missing (networks, volumes, the proxy), and with ACCESSORIES=yes starts what of them does not run.
hold
folder=$(release_folder "$release")
# First of all: it is what tells a disk that is full.
rm -rf "$folder.tmp"
if ! { mkdir -p "$home/releases" "$home/run" "$folder.tmp" && tar -xf - -C "$folder.tmp"; }; then
  free=$(free_mb "$home")
  [ "$free" -gt 1 ] || fail HOST_DISK_FULL "said=the files of the release could not be written ($free MB are free)"
  exit 1
fi
journal prepare began "$release"
if [ -e "$folder.tmp/compose.yaml" ]; then
  find "$folder.tmp" -type f -exec chmod 600 {} +
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
  # accessory_containers: with when each was started.
  accessory_containers() {
    for id in $(docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$accessories" --filter label=com.sluice.accessory); do
      docker inspect --format '{{.Id}} {{.State.StartedAt}}' "$id"
    done
  }
  before=$(accessory_containers)
  logged compose -p "$accessories" -f "$folder/accessories.yaml" up -d || fail ACCESSORIES_FAILED "said=$said"

  # Migrations need them, so they are ready first: those that can tell. What was only just started has to stay up, too.
  readings=1
  if [ "$(accessory_containers)" != "$before" ]; then readings=2; fi
  left=180
  while [ "$readings" -gt 0 ]; do
    for id in $(accessory_containers | cut -d ' ' -f 1); do
      while container_check "$id" && [ "$verdict" != ok ]; do
        if [ "$verdict" = crashed ] || [ "$left" -le 0 ]; then
          last_words "$id"
          fail ACCESSORY_UNHEALTHY "service=$(label "$id" com.sluice.accessory)" "found=$found"
        fi
        left=$((left - 1))
        sleep 0.5
      done
    done
    readings=$((readings - 1))
    if [ "$readings" -gt 0 ]; then sleep 1; fi
  done
fi
journal prepare 'done' "$release"
