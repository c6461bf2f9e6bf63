# Waits until all containers of the release are as they should be, then asks each of PROBES until it answers rightly.
hold
journal health began "$release"
need_file services
find_engine
within=$(printf '%s\n' "${SLUICE_PROBES:-}" | awk '{ if ($6 > max) max = $6 } END { print max + 0 }')
[ "$within" -gt 0 ] || within=60
deadline=$(($(date +%s) + within))

# What runs at one moment and not at the next is not healthy: so twice, with no restart in between.
before=none
while :; do
  check_containers
  case $verdict_all in
    ok)
      if [ "$before" = "$restarts_seen" ]; then break; fi
      before=$restarts_seen
      ;;
    wait) before=none ;;
    *) give_up "$verdict_all" "$sick_one" "$found" ;;
  esac
  [ "$(date +%s)" -lt "$deadline" ] || give_up sick "$sick_one" "$found (after $within s)"
  holding || fail LOCK_LOST "run=$run"
  sleep 0.3
done

# ask LINE
ask() {
  until probe_line "$1"; do
    check_containers
    case $verdict_all in ok | wait) ;; *) give_up "$verdict_all" "$sick_one" "$found" ;; esac
    [ "$(date +%s)" -lt "$deadline" ] || probe_gives_up
    holding || fail LOCK_LOST "run=$run"
    sleep 0.3
  done
  fact healthy "$probe_service $probe_address $probe_got"
}
printf '%s\n' "${SLUICE_PROBES:-}" | while IFS= read -r line; do
  [ -z "$line" ] || ask "$line" </dev/null
done
echo healthy | put "$(release_folder "$release")/state"
journal health 'done' "$release"
