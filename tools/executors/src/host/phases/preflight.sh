# Everything that can be wrong with a host before a deployment changes anything. Itself changes nothing.
# NEED_MB (image and dump), PORTS (that the proxy will take), PROXY (caddy or none), COMPOSE_CHECK (yes: the input is the
# compose file to be checked).

# tools NAME...
tools() {
  for tool; do
    command -v "$tool" >/dev/null 2>&1 || fail TOOL_MISSING "tool=$tool"
  done
}
tools awk base64 cat date dd df grep gzip id mkdir mv nohup rm sed sleep stat sync tar touch tr
[ "${SLUICE_PROXY:-caddy}" = none ] || tools curl

fact clock "$(date +%s)"
fact arch "$(uname -m)"
fact user "$(id -un)"
find_engine
fact engine "$engine $engine_version"
[ -z "$sudo" ] || fact sudo yes
find_compose
compose_version=$(compose_version)
fact compose "$compose $compose_version"

# older VERSION THAN
older() {
  awk -v "a=$1" -v "b=$2" 'BEGIN {
    split(a, x, "."); split(b, y, ".")
    for (i = 1; i <= 3; i++) if (x[i] + 0 != y[i] + 0) exit !(x[i] + 0 < y[i] + 0)
    exit 1
  }'
}
case $compose in
  v1) need=1.27 ;;
  v2) need=2.0 ;;
  *) need=1.0 ;;
esac
if older "$compose_version" "$need"; then fail COMPOSE_TOO_OLD "found=$compose_version" "need=$need"; fi

# room FACT FOLDER
room() {
  free=$(free_mb "$2")
  fact "$1" "$free"
  [ "$free" -ge "${SLUICE_NEED_MB:-0}" ] || fail DISK_TOO_SMALL "folder=$2" "free=$free" "need=$SLUICE_NEED_MB"
}
case $engine in
  podman) images=$(docker info --format '{{.Store.GraphRoot}}') ;;
  *) images=$(docker info --format '{{.DockerRootDir}}') ;;
esac
room free_mb_engine "${images:-/}"
room free_mb "$home"

# listens PORT: whether something does, on any address; from the kernel, because no tool for it is on every host.
listens() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v "port=$(printf '%04X' "$1")" '$4 == "0A" { split($2, at, ":"); if (at[2] == port) found = 1 } END { exit !found }'
}
# publishers PORT: names of containers. Podman cannot filter by it.
publishers() {
  if [ "$engine" != podman ]; then
    docker ps --filter "publish=$1" --format '{{.Names}}'
    return
  fi
  docker ps --format '{{.Names}} {{.Ports}}' | awk -v "port=$1" '{
    for (i = 2; i <= NF; i++) {
      if (split($i, side, "->") < 2) continue
      sub(/.*:/, "", side[1])
      many = split(side[1], range, "-")
      if (port + 0 >= range[1] + 0 && port + 0 <= range[many] + 0) { print $1; next }
    }
  }'
}
for port in ${SLUICE_PORTS:-}; do
  by=$(publishers "$port" | tr '\n' ' ')
  case " $by" in
    *' sluice-proxy '*) ;;
    ' ') if listens "$port"; then fail PORT_TAKEN "port=$port" 'by=a program of the host'; fi ;;
    *) fail PORT_TAKEN "port=$port" "by=the container ${by% }" ;;
  esac
done

if [ "${SLUICE_COMPOSE_CHECK:-}" = yes ]; then
  # Through no file: it holds the service's variables. With a name, since the folder that it runs in gives none.
  if [ "$compose" = podman ]; then set -- -f /dev/stdin config; else set -- -f - config -q; fi
  said=$(compose -p sluice-check "$@" 2>&1) || fail COMPOSE_INVALID "said=$said"
fi

fact current "$(current)"
fact previous "$(previous)"
lock_state
[ "$lock_state" = free ] || fact lock "$(lock_json)"

# What a run left that is over: the next one takes it away.
case $lock_state in free | expired | abandoned) over=yes ;; *) over=no ;; esac
if [ "$over" = yes ]; then
  for id in $(containers com.sluice.release); do
    left=$(label "$id" com.sluice.release)
    [ "$left" = "$(current)" ] || fact leftover "container $id of release $left"
  done
  for folder in "$home"/releases/*.tmp; do
    [ ! -d "$folder" ] || fact leftover "folder $folder"
  done
fi
