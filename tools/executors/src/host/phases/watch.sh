# Looks at the release for SECONDS, once a second and at least once: the first reading that is not as it should be ends it.
need_file services
find_engine
folder=$(release_folder "$release")
seconds=${SLUICE_SECONDS:-0}
until=$(($(date +%s) + seconds))
first=
looks=0

# ask LINE
ask() {
  probe_line "$1" && return 0
  # Whoever cannot be asked because the proxy is gone is not the one who is sick.
  if proxied "$folder" && ! proxy_answers; then fail PROXY_DOWN 'said=it went away while the release was watched'; fi
  probe_gives_up
}

while :; do
  check_containers
  [ "$verdict_all" = ok ] || give_up "$verdict_all" "$sick_one" "$found"
  if [ -n "$first" ] && [ "$first" != "$restarts_seen" ]; then
    for id in $(release_containers); do last_words "$id"; done
    fail CRASH_LOOP "service=$service" 'found=a container was restarted while it was watched'
  fi
  first=$restarts_seen
  printf '%s\n' "${SLUICE_PROBES:-}" | while IFS= read -r line; do
    [ -z "$line" ] || ask "$line" </dev/null
  done
  # A canary is one of several.
  case " $(proxy_serving "$service" "$environment") " in
    *" $release "*) ;;
    *) fail CONTAINER_UNHEALTHY "service=$service" 'found=no requests are sent to it' ;;
  esac
  looks=$((looks + 1))
  [ "$(date +%s)" -lt "$until" ] || break
  holding || fail LOCK_LOST "run=$run"
  sleep 1
done
fact looks "$looks"
