# Caddy in front of all services of a host: one container, whose folder $root/proxy holds everything that it is made of.
#   base.json      its configuration but for the routes         routes/<service>-<environment>.routes    the routes of one service
#   config.json    both together: what it starts with           traffic/<id>/<share>,<a>,<b>             which release gets a request
#   run/*.sock     its admin interface, and the probes          traffic/<service>-<environment>.maintenance    the page, while it is on
# What the functions are for, and how another proxy comes in, stands in proxy/types.ts; what the files mean, in proxy/caddy.ts.
# Files say how it should be; so two services that change it at once only need to see each other's files (the ETag sees to that),
# and nothing has to be remembered by anybody who may be killed.

proxy=$root/proxy
proxy_container=sluice-proxy

# proxied FOLDER: whether a release has anything to do with the proxy.
proxied() { [ -s "$1/routes" ]; }

proxy_slug() { printf %s "$1-$2" | tr '[:upper:]' '[:lower:]'; }

# proxy_curl SOCKET ARGUMENT...: from within the folder, because a socket's path may have 107 bytes only. Asks again where the proxy was just
# taking a change, by which its listeners close.
proxy_curl() {
  sluice_socket=$1
  shift
  for sluice_ask in 1 2 3 4 5; do
    sluice_code=0
    sluice_answer=$(cd "$proxy/run" && curl -q --silent --show-error --globoff --noproxy '*' --unix-socket "$sluice_socket" "$@") ||
      sluice_code=$?
    case $sluice_code in
      7 | 52 | 56) [ "$sluice_ask" = 5 ] || sleep 0.1 ;;
      *) break ;;
    esac
  done
  [ -z "$sluice_answer" ] || printf '%s\n' "$sluice_answer"
  return "$sluice_code"
}

# proxy_addresses FOLDER: lines `id address` of a release.
proxy_addresses() { cat "$1/addresses"; }

# proxy_ids FILE: ids in a file of routes.
proxy_ids() { awk -F '\t' '$3 != "-" { print $3 }' "$1"; }

# ── its container ───────────────────────────────────────────────────────────────────────────────────

proxy_label() { docker inspect --format "{{ index .Config.Labels \"$1\" }}" "$proxy_container" 2>/dev/null; }

# proxy_ports FILE: `http https`, as proxy.json has them.
proxy_ports() { sed -n 's/^ *"https\{0,1\}_port": \([0-9]*\),*$/\1/p' "$1" | tr '\n' ' ' | sed 's/ $//'; }

# proxy_user: whom it runs as, so that its sockets and files are this user's and nobody else's. Where the engine itself is not
# root, its root is this user.
proxy_user() {
  case $engine in
    podman) sluice_rootless=$(docker info --format '{{.Host.Security.Rootless}}') ;;
    *) sluice_rootless=$(docker info --format '{{.SecurityOptions}}') ;;
  esac
  case $sluice_rootless in
    true | *rootless*) echo 0:0 ;;
    *) echo "$(id -u):$(id -g)" ;;
  esac
}

proxy_run() {
  # shellcheck disable=SC2046 # Two numbers.
  set -- $(proxy_ports "$proxy/base.json")
  if [ "$engine" = podman ]; then
    [ -e "$proxy/hosts" ] || : >"$proxy/hosts"
    set -- "$@" --no-hosts --mount "type=bind,source=$proxy/hosts,target=/etc/hosts" --dns-option timeout:1
  fi
  sluice_http=$1
  sluice_https=$2
  shift 2
  docker run --detach --name "$proxy_container" --restart unless-stopped --network sluice-proxy "$@" \
    --user "$(proxy_user)" --sysctl net.ipv4.ip_unprivileged_port_start=0 \
    --publish "$sluice_http:$sluice_http" --publish "$sluice_https:$sluice_https" --publish "$sluice_https:$sluice_https/udp" \
    --mount "type=bind,source=$proxy,target=/sluice" --security-opt label=disable \
    --env XDG_DATA_HOME=/sluice/data --env XDG_CONFIG_HOME=/sluice/data --env HOME=/sluice/data \
    --log-opt max-size=10m --label "com.sluice.proxy=$proxy" --label "com.sluice.ports=$sluice_http $sluice_https" \
    "${SLUICE_PROXY_IMAGE:-caddy:2.10}" caddy run --config /sluice/config.json
}

# ── names, where Podman gives them ──────────────────────────────────────────────────────────────────
# Its name server stops answering, for seconds up to half a minute, when containers come and go (containers/aardvark-dns#389, #500); so
# does every request behind a name. Here the proxy knows releases by a file, and their containers keep the addresses that are in it.

# proxy_pin CONTAINER: it keeps its address among the proxy's, also when it starts again.
proxy_pin() {
  [ "$engine" = podman ] || return 0
  sluice_name=$(docker inspect --format '{{with index .NetworkSettings.Networks "sluice-proxy"}}{{.IPAddress}}{{range .Aliases}} {{.}}{{end}}{{end}}' "$1")
  [ -n "$sluice_name" ] || return 0
  if grep -qxF "$1" "$home/run/pinned" 2>/dev/null; then return 0; fi
  # shellcheck disable=SC2046,SC2086 # Names of containers and services.
  docker network disconnect sluice-proxy "$1" </dev/null &&
    docker network connect --ip "${sluice_name%% *}" $(printf ' --alias %s' ${sluice_name#* }) sluice-proxy "$1" </dev/null
  echo "$1" >>"$home/run/pinned"
}

# proxy_names: writes down who is where. In place, since the proxy holds the file itself, not its name.
proxy_names() {
  [ "$engine" = podman ] && [ -d "$proxy" ] || return 0
  proxy_alone
  sluice_names=$(for sluice_id in $(docker ps --quiet --filter network=sluice-proxy); do
    docker inspect --format '{{with index .NetworkSettings.Networks "sluice-proxy"}}{{.IPAddress}}{{range .Aliases}} {{.}}{{end}}{{end}}' "$sluice_id"
  done)
  printf '127.0.0.1 localhost\n%s\n' "$sluice_names" >"$proxy/hosts"
  proxy_not_alone
}

proxy_answers() { proxy_curl admin.sock --max-time 5 --output /dev/null http://localhost/config/admin >/dev/null 2>&1; }

# proxy_alone: waits until no other phase makes or starts the proxy. A link, because that is made whole or not at all; who holds it stands
# in it, so that one who died holds nothing.
proxy_alone() {
  sluice_me="$$ $(started $$)"
  until ln -s "$sluice_me" "$proxy/lock" 2>/dev/null; do
    sluice_holder=$(readlink "$proxy/lock" 2>/dev/null || :)
    if [ "$sluice_holder" = "$sluice_me" ]; then return 0; fi
    if [ -n "$sluice_holder" ] && ! alive "${sluice_holder% *}" "${sluice_holder#* }"; then
      mv "$proxy/lock" "$proxy/lock.$$" 2>/dev/null || continue
      # Somebody else may have been quicker, and hold it by now.
      sluice_taken=$(readlink "$proxy/lock.$$" || :)
      [ "$sluice_taken" = "$sluice_holder" ] || ln -s "$sluice_taken" "$proxy/lock" 2>/dev/null || :
      rm -f "$proxy/lock.$$"
      continue
    fi
    sleep 0.1
  done
}
proxy_not_alone() { rm -f "$proxy/lock"; }

# proxy_fits FOLDER: ends the phase where the container that is there is not ours, or cannot serve the release in FOLDER.
proxy_fits() {
  sluice_owner=$(proxy_label com.sluice.proxy || :)
  [ "$sluice_owner" = "$proxy" ] || fail PROXY_FOREIGN "container=$proxy_container" "owner=$sluice_owner"
  [ -e "$1/proxy.json" ] || return 0
  sluice_has=$(proxy_label com.sluice.ports || :)
  sluice_wants=$(proxy_ports "$1/proxy.json")
  [ "$sluice_has" = "$sluice_wants" ] || fail PROXY_PORTS "has=$sluice_has" "wants=$sluice_wants"
}

proxy_state() {
  sluice_found=$(docker inspect --format '{{.State.Status}}' "$proxy_container" 2>/dev/null) || sluice_found=none
  printf %s "$sluice_found"
}

# proxy_ensure FOLDER: it runs, with what the release in FOLDER needs of it. Does not touch one that runs already.
proxy_ensure() {
  find_engine
  mkdir -p "$proxy/run" "$proxy/data" "$proxy/routes" "$proxy/traffic"
  if [ "$(proxy_state)" = running ]; then
    proxy_fits "$1"
    proxy_base "$1"
    if proxy_answers; then
      proxy_names
      return 0
    fi
  fi
  proxy_alone
  proxy_start "$1"
  proxy_not_alone
  proxy_names
}

proxy_base() {
  [ ! -e "$1/proxy.json" ] || cmp -s "$1/proxy.json" "$proxy/base.json" || put "$proxy/base.json" <"$1/proxy.json"
}

# proxy_start FOLDER: makes it, or starts it again, with the configuration that the files have now.
proxy_start() {
  docker network inspect sluice-proxy >/dev/null 2>&1 || docker network create sluice-proxy >/dev/null
  # Without them the proxy finds nobody; Podman has them only where a program of its own is there.
  if [ "$engine" = podman ] && [ "$(docker network inspect --format '{{.DNSEnabled}}' sluice-proxy)" = false ]; then
    docker network rm sluice-proxy >/dev/null 2>&1 || :
    fail PODMAN_WITHOUT_NAMES
  fi
  sluice_said=
  for sluice_try in 1 2 3; do
    sluice_state=$(proxy_state)
    [ "$sluice_state" = none ] || proxy_fits "$1"
    proxy_base "$1"
    if [ "$sluice_state" = running ] && [ "$sluice_try" -gt 1 ]; then sluice_state=hangs; fi
    [ "$sluice_state" = running ] || proxy_kept || proxy_assemble | put "$proxy/config.json"
    case $sluice_state in
      running) ;;
      none) sluice_said=$(proxy_run 2>&1) || sluice_state=failed ;;
      # One that never ran could not have its ports.
      created) sluice_said=$(docker rm --force "$proxy_container" 2>&1 >/dev/null && proxy_run 2>&1) || sluice_state=failed ;;
      *) sluice_said=$(docker restart --time 5 "$proxy_container" 2>&1) || sluice_state=failed ;;
    esac
    sluice_left=100
    while [ "$sluice_state" != failed ] && [ "$sluice_left" -gt 0 ]; do
      if proxy_answers; then return 0; fi
      sluice_left=$((sluice_left - 1))
      sleep 0.1
    done
  done
  docker logs --tail 20 "$proxy_container" 2>&1 | sed 's/^@/ @/' || :
  if [ "$sluice_state" != failed ]; then sluice_said='its admin interface does not answer'; fi
  fail PROXY_DOWN "said=$(printf '%s\n' "$sluice_said" | tail -n 1)"
}

# ── its configuration ───────────────────────────────────────────────────────────────────────────────

# proxy_assemble: base.json with all routes in their places.
proxy_assemble() {
  cat "$proxy"/routes/*.routes 2>/dev/null | sort | awk -F '\t' -v base="$proxy/base.json" '
    { routes[$1] = routes[$1] $5 ",\n" }
    END {
      while ((getline line < base) > 0) {
        if (match(line, /^ *"@routes [a-z]*",$/)) {
          sub(/^ *"@routes /, "", line)
          sub(/",$/, "", line)
          printf "%s", routes[line]
        } else print line
      }
    }'
}

# proxy_kept: whether config.json is what the files say. It is written before the proxy starts and after it took a change; so then it does
# what they say, too.
proxy_kept() { proxy_assemble | cmp -s - "$proxy/config.json"; }

# proxy_apply: what the files say is what it does, and will do after a restart.
proxy_apply() {
  sluice_next=$proxy/next.$$
  for sluice_try in 1 2 3 4 5 6 7 8 9 10; do
    if ! sluice_etag=$(proxy_curl admin.sock --max-time 10 --output /dev/null --dump-header - http://localhost/config/ 2>&1); then
      rm -f "$sluice_next" "$sluice_next.said"
      fail PROXY_DOWN "said=$sluice_etag"
    fi
    sluice_etag=$(printf '%s\n' "$sluice_etag" | sed -n 's/^[Ee][Tt]ag: *//p' | tr -d '\r')
    # After the question: so whoever changes a file from here on is seen.
    proxy_assemble >"$sluice_next"
    sluice_status=$(proxy_curl admin.sock --max-time 60 --output "$sluice_next.said" --write-out '%{http_code}' \
      --header "If-Match: $sluice_etag" --header 'Content-Type: application/json' \
      --data-binary "@$sluice_next" http://localhost/config/ 2>/dev/null) || sluice_status=${sluice_status:-000}
    case $sluice_status in
      200)
        put "$proxy/config.json" <"$sluice_next"
        if proxy_kept; then
          rm -f "$sluice_next" "$sluice_next.said"
          return 0
        fi
        ;;
      412 | 000) sleep 0.1 ;;
      *)
        sluice_said=$(cat "$sluice_next.said" 2>/dev/null || :)
        rm -f "$sluice_next" "$sluice_next.said"
        return 1
        ;;
    esac
  done
  rm -f "$sluice_next" "$sluice_next.said"
  [ "$sluice_status" != 000 ] || fail PROXY_DOWN 'said=it does not answer'
  fail PROXY_BUSY
}

# proxy_put FILE: this service's routes are these; none where FILE is empty.
proxy_put() {
  sluice_mine=$proxy/routes/$(proxy_slug "$service" "$environment").routes
  # Nothing to be done, in most cases; also not where nothing could be written.
  if [ -n "$1" ] && cmp -s "$1" "$sluice_mine" && proxy_kept; then return 0; fi
  sluice_before=$proxy/before.$$
  if [ -e "$sluice_mine" ]; then cp "$sluice_mine" "$sluice_before"; else : >"$sluice_before"; fi
  if [ -n "$1" ]; then put "$sluice_mine" <"$1"; else rm -f "$sluice_mine"; fi
  if ! proxy_apply; then
    # One service's mistake is not another's.
    put "$sluice_mine" <"$sluice_before"
    rm -f "$sluice_before"
    fail PROXY_REFUSED "status=$sluice_status" "said=$sluice_said"
  fi
  proxy_ids "$sluice_before" | while read -r sluice_id; do
    if [ -z "$1" ] || ! proxy_ids "$1" | grep -qx "$sluice_id"; then rm -rf "${proxy:?}/traffic/$sluice_id"; fi
  done
  rm -f "$sluice_before"
}

# ── traffic ─────────────────────────────────────────────────────────────────────────────────────────

# traffic_read ID: sets share, a, b; fails where the route never had any.
traffic_read() {
  share=''
  a=''
  b=''
  for sluice_file in "$proxy/traffic/$1"/*,*,*; do
    [ -e "$sluice_file" ] || return 1
    sluice_file=${sluice_file##*/}
    share=${sluice_file%%,*}
    b=${sluice_file##*,}
    a=${sluice_file#*,}
    a=${a%,*}
    return 0
  done
}

# traffic_write ID SHARE A B. The new name is there before the old one goes: for a moment either counts.
traffic_write() {
  mkdir -p "$proxy/traffic/$1"
  # On a disk that is full, a name can still be changed.
  if ! { : >"$proxy/traffic/$1/$2,$3,$4"; } 2>/dev/null; then
    for sluice_file in "$proxy/traffic/$1"/*,*,*; do
      mv "$sluice_file" "$proxy/traffic/$1/$2,$3,$4" && break
    done
  fi
  synced "$proxy/traffic/$1"
  for sluice_file in "$proxy/traffic/$1"/*; do
    [ "$sluice_file" = "$proxy/traffic/$1/$2,$3,$4" ] || rm -f "$sluice_file"
  done
  synced "$proxy/traffic/$1"
}

# share_of PERCENT: ids are random hexadecimal digits.
share_of() {
  case $1 in
    0) printf 0 ;;
    100) printf g ;;
    *) printf %03x "$(($1 * 4096 / 100))" ;;
  esac
}

# proxy_switch FOLDER PERCENT: so many of the requests go to the release in FOLDER, the others to the one that had them.
proxy_switch() {
  proxied "$1" || return 0
  sluice_percent=$2
  proxy_addresses "$1" | while read -r id address; do
    if ! traffic_read "$id"; then
      traffic_write "$id" 0 "$address" "$address"
    elif [ "$a" = "$address" ]; then
      traffic_write "$id" "$(share_of $((100 - sluice_percent)))" "$a" "$b"
    elif [ "$b" = "$address" ]; then
      traffic_write "$id" "$(share_of "$sluice_percent")" "$a" "$b"
    elif [ "$share" = g ]; then
      traffic_write "$id" g "$address" "$b"
      traffic_write "$id" "$(share_of $((100 - sluice_percent)))" "$address" "$b"
    else
      traffic_write "$id" "$share" "$a" "$address"
      traffic_write "$id" "$(share_of "$sluice_percent")" "$a" "$address"
    fi
  done
  proxy_put "$1/routes"
}

# proxy_in_flight ID GROUP
proxy_in_flight() {
  proxy_curl admin.sock --max-time 5 http://localhost/reverse_proxy/upstreams | tr ',' '\n' |
    awk -v "key=\"{http.regexp.$1.$2}\"" 'index($0, key) { found = 1 } found && /num_requests/ { gsub(/[^0-9]/, ""); print; exit }'
}

# proxy_drain FOLDER SECONDS: until nothing is in flight to any other release, or the time is over.
proxy_drain() {
  proxied "$1" || return 0
  sluice_left=$(($2 * 5))
  sluice_quiet=0
  # Twice: one who chose the old release a moment ago may not have begun to send.
  while [ "$sluice_quiet" -lt 2 ]; do
    sluice_open=$(proxy_addresses "$1" | while read -r id address; do
      traffic_read "$id" || continue
      [ "$a" = "$address" ] || proxy_in_flight "$id" a
      [ "$b" = "$address" ] || proxy_in_flight "$id" b
    done | awk '{ sum += $1 } END { print sum + 0 }')
    if [ "$sluice_open" -eq 0 ]; then sluice_quiet=$((sluice_quiet + 1)); else sluice_quiet=0; fi
    if [ "$sluice_quiet" -lt 2 ]; then
      if [ "$sluice_left" -le 0 ]; then
        log "$sluice_open requests to the old release are still open after $2 s"
        return 0
      fi
      sluice_left=$((sluice_left - 1))
      sleep 0.2
    fi
  done
}

# proxy_settle FOLDER: no other release is known from now on.
proxy_settle() {
  proxied "$1" || return 0
  proxy_addresses "$1" | while read -r id address; do
    traffic_read "$id" || traffic_write "$id" 0 "$address" "$address"
    traffic_write "$id" "${share:-0}" "$address" "$address"
  done
}

# proxy_restore SERVICE ENVIRONMENT: this service's routes lead to the release in `current` again; none are left where there is
# no such release. Traffic goes back first: for that, nothing has to answer.
proxy_restore() {
  sluice_current=$(current)
  sluice_folder=$(release_folder "${sluice_current:-none}")
  if [ -n "$sluice_current" ] && proxied "$sluice_folder"; then
    proxy_addresses "$sluice_folder" | while read -r id address; do
      if ! traffic_read "$id"; then
        traffic_write "$id" 0 "$address" "$address"
      elif [ "$a" = "$address" ]; then
        traffic_write "$id" 0 "$a" "$b"
      elif [ "$b" = "$address" ]; then
        traffic_write "$id" g "$a" "$b"
      else
        traffic_write "$id" 0 "$address" "$address"
      fi
    done
    proxy_ensure "$sluice_folder"
    proxy_put "$sluice_folder/routes"
    return 0
  fi
  rm -f "$home/serving"
  if [ -n "$sluice_current" ]; then put "$home/serving" <"$home/current" || :; fi
  [ -e "$proxy/routes/$(proxy_slug "$1" "$2").routes" ] || return 0
  proxy_ensure "$sluice_folder"
  proxy_put ''
}

# proxy_serving SERVICE ENVIRONMENT: releases that requests go to, on one line. Where the proxy has nothing to do with the service:
# the release that was switched to, if it runs.
proxy_serving() {
  sluice_mine=$proxy/routes/$(proxy_slug "$1" "$2").routes
  if [ -s "$sluice_mine" ]; then
    proxy_ids "$sluice_mine" | while read -r id; do
      traffic_read "$id" || continue
      [ "$share" = g ] || echo "$a"
      [ "$share" = 0 ] || echo "$b"
    done | while read -r address; do
      for sluice_folder in "$home"/releases/*/; do
        sluice_name=$(basename "$sluice_folder")
        case $address in "$(printf %s "$sluice_name" | tr '[:upper:]' '[:lower:]')"-*) echo "$sluice_name" ;; esac
      done
    done | sort -u | tr '\n' ' ' | sed 's/ $//'
    return 0
  fi
  sluice_name=$(first_line "$home/serving")
  if [ -n "$sluice_name" ] && [ -n "$(docker ps --quiet --filter "label=com.sluice.service=$1" \
    --filter "label=com.sluice.environment=$2" --filter "label=com.sluice.release=$sluice_name")" ]; then
    printf %s "$sluice_name"
  fi
}

# ── probes, maintenance ─────────────────────────────────────────────────────────────────────────────

# proxy_probe FOLDER ADDRESS PATH: prints the answer's body and, right behind it, its status (000: no answer). Through the proxy, which is
# in the containers' network also where this user is not.
proxy_probe() {
  if proxied "$1"; then
    sluice_host=$(awk -F '\t' '$4 != "-" { print $4; exit }' "$1/routes")
    proxy_curl probe.sock --max-time 5 --max-filesize 1000000 --write-out '%{http_code}' \
      --header "X-Sluice-Upstream: $2" --user-agent sluice "http://${sluice_host:-localhost}$3" 2>/dev/null || :
  else
    curl -q --silent --globoff --noproxy '*' --max-time 5 --max-filesize 1000000 --write-out '%{http_code}' \
      --user-agent sluice "http://$2$3" 2>/dev/null || :
  fi
}

# proxy_maintenance FILE: every request of this service gets this page and 503; as before where FILE is empty.
proxy_maintenance() {
  sluice_page=$proxy/traffic/$(proxy_slug "$service" "$environment").maintenance
  if [ -n "$1" ]; then put "$sluice_page" <"$1"; else rm -f "$sluice_page"; fi
}
