# Pulls IMAGES (references by digest, a line each). Standard input: user and password for the registry, a line each, or nothing.
hold
journal pull began "$release"
user=
password=
IFS= read -r user || :
IFS= read -r password || :
find_engine

# has IMAGE: whether exactly this digest is here.
has() {
  docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$1" 2>/dev/null </dev/null |
    grep -q "@${1##*@}\$"
}

config=
if [ -n "$user" ]; then
  # In a file, since an argument can be read by everybody on the host; and in one of its own, so that it is gone afterwards.
  config=$home/run/docker.$$
  mkdir -p "$config"
  trap 'rm -rf "$config"' EXIT
  trap 'exit 143' INT TERM HUP
  chmod 700 "$config"
fi

# by_default [ARGUMENT...]: what Docker does unasked: a registry of this machine's own speaks plain HTTP.
by_default() {
  case $engine:$registry in
    podman:127.* | podman:localhost | podman:localhost:* | podman:'[::1]'*) set -- "$@" --tls-verify=false ;;
  esac
  docker pull --quiet "$@"
}

# pull IMAGE, out of $registry
pull() {
  if [ -z "$config" ]; then
    by_default "$1"
    return
  fi
  printf '{"auths":{%s:{"auth":"%s"}}}' "$(json_string "$registry")" \
    "$(printf '%s:%s' "$user" "$password" | base64 | tr -d '\n')" >"$config/config.json"
  case $engine in
    podman) by_default --authfile "$config/config.json" "$1" ;;
    *) docker --config "$config" pull --quiet "$1" ;;
  esac
}

printf '%s\n' "${SLUICE_IMAGES:-}" | sort -u | while IFS= read -r image; do
  [ -n "$image" ] || continue
  registry=${image%%/*}
  if has "$image"; then
    log "$image is here already"
    continue
  fi
  if ! logged pull "$image"; then
    # Text is all that engines give.
    case $(printf %s "$said" | tr '[:upper:]' '[:lower:]') in
      *'no space left'* | *'disk quota'*) fail HOST_DISK_FULL "said=$said" ;;
      *unauthorized* | *denied* | *'authentication required'* | *'no basic auth'* | *forbidden* | *'status 401'* | *'status 403'*)
        fail PULL_REFUSED "image=$image" "said=$said"
        ;;
      *'not found'* | *'manifest unknown'* | *'invalid reference'* | *'no matching manifest'*)
        fail PULL_FAILED "image=$image" "said=$said"
        ;;
      *'connection refused'*)
        case $registry:$(docker info --format '{{.SecurityOptions}}' 2>/dev/null </dev/null) in
          127.*name=rootless*)
            fail PULL_FAILED "image=$image" \
              'said=this engine is rootless: it has a network of its own, in which the registry that comes through the ssh connection is not. It needs an image registry that the host reaches by itself'
            ;;
        esac
        fail PULL_FAILED "image=$image" "said=$said" transient=yes
        ;;
      *) fail PULL_FAILED "image=$image" "said=$said" transient=yes ;;
    esac
  fi
  has "$image" || fail PULL_FAILED "image=$image" 'said=the engine has another digest than the one that it was asked for'
  fact pulled "$image"
done
journal pull 'done' "$release"
