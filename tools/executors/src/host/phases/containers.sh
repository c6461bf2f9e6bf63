# Containers of a release: what they print, and how they are.

return=$(printf '\r')

# as_log: lines of others, which must not look like ours to the deployer. Sets `log_last` and `log_before` to the last two that say something.
# Not by sed: what comes late would be no news.
as_log() {
  log_last=
  log_before=
  while IFS= read -r log_line || [ -n "$log_line" ]; do
    log_line=${log_line%"$return"}
    case $log_line in
      *[![:space:]]*)
        log_before=$log_last
        log_last=$log_line
        ;;
    esac
    case $log_line in @*) log_line=" $log_line" ;; esac
    printf '%s\n' "$log_line"
  done
}

# logged COMMAND...: runs it, its output as log lines while it comes; sets `said` to its last line. With its exit code.
# Through no file: a full disk may be what the command has to say.
logged() {
  {
    logged_told=$({ { "$@" 2>&1 </dev/null && echo 0 >&3 || echo $? >&3; } | {
      as_log >&4
      printf '%s\n' ".$log_last" ".$log_before" >&3
    }; } 3>&1)
  } 4>&1
  logged_code=${logged_told%%"$newline"*}
  logged_told=${logged_told#*"$newline."}
  said=${logged_told%%"$newline."*}
  # Compose 1 prints an exit code as its last line.
  case $said in "$logged_code" | "ERROR: $logged_code") said=${logged_told#*"$newline."} ;; esac
  return "$logged_code"
}

# release_compose ARGUMENT...: with the file and under the name of this release.
release_compose() { compose -p "$(project "$release")" -f "$(release_folder "$release")/compose.yaml" "$@"; }

# need_file NAME...: of this release's folder.
need_file() {
  for need_name; do
    [ -e "$(release_folder "$release")/$need_name" ] || fail RELEASE_FOLDER_GONE "release=$release" "file=$need_name"
  done
}

# part_of CONTAINER: the compose service's own name.
part_of() { docker inspect --format '{{with index .Config.Labels "com.sluice.part"}}{{.}}{{else}}{{index .Config.Labels "com.sluice.accessory"}}{{end}}' "$1"; }

# state_of CONTAINER: `status restarts exit-code health policy`, each exactly as the engine has it; health is `none` without a check.
state_of() {
  docker inspect --format \
    '{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}} {{if .State.Health}}{{or .State.Health.Status "none"}}{{else}}none{{end}} {{or .HostConfig.RestartPolicy.Name "no"}}' \
    "$1"
}

# folded: equal lines in a row once, with their number.
folded() {
  awk '
    function told() { if (n > 1) print last " (" n " times)"; else if (n) print last }
    n && $0 == last { n++; next }
    { told(); last = $0; n = 1 }
    END { told() }'
}

# last_words CONTAINER: of one that failed.
last_words() {
  log "--- $(part_of "$1"): its last lines"
  docker logs --tail 50 "$1" 2>&1 | folded | as_log || :
  log '---'
}

# container_check CONTAINER: sets `verdict` to ok, wait (not yet), crashed or sick, and `found` to words for it.
container_check() {
  # shellcheck disable=SC2046 # Five words.
  set -- $(state_of "$1")
  verdict=sick
  found="its container is $1"
  [ $# -eq 5 ] || return 0
  restarts=$2
  if [ "$2" -ge 3 ]; then
    verdict=crashed
    found="it was restarted $2 times (exit code $3)"
    return 0
  fi
  case $1 in
    running)
      case $4 in
        healthy | none) verdict=ok ;;
        starting)
          verdict='wait'
          found='its health check has not passed yet'
          ;;
        *) found="its health check says $4" ;;
      esac
      ;;
    created | restarting)
      verdict='wait'
      found="its container is $1 (restarted $2 times, exit code $3)"
      ;;
    exited)
      # A task that is done.
      if [ "$3" -eq 0 ] && { [ "$5" = no ] || [ "$5" = on-failure ]; }; then
        verdict=ok
      else
        verdict=crashed
        found="it exited with code $3"
      fi
      ;;
  esac
}

# release_containers: ids, but for what a migration that was cut off left behind.
release_containers() {
  once_only=$(containers "com.sluice.release=$release" com.docker.compose.oneoff=True)
  for one_id in $(containers "com.sluice.release=$release"); do
    case $once_only in *"$one_id"*) ;; *) echo "$one_id" ;; esac
  done
}
containers_wanted() { awk '{ sum += NF - 1 } END { print sum + 0 }' "$(release_folder "$release")/services"; }

# check_containers: as container_check, of all of the release; `sick_one` is the container meant. `restarts_seen` changes with any restart.
check_containers() {
  verdict_all=ok
  sick_one=
  restarts_seen=
  ids=$(release_containers)
  count=$(printf '%s\n' "$ids" | grep -c . || :)
  if [ "$count" -lt "$(containers_wanted)" ]; then
    verdict=sick
    verdict_all=sick
    found="only $count of its $(containers_wanted) containers are there"
    return 0
  fi
  for id in $ids; do
    container_check "$id"
    restarts_seen="$restarts_seen ${restarts:-0}"
    case $verdict in
      ok) continue ;;
      wait)
        [ "$verdict_all" = ok ] || continue
        verdict_all='wait'
        ;;
      *) verdict_all=$verdict ;;
    esac
    sick_one=$id
    found_one=$found
    if [ "$verdict_all" != wait ]; then break; fi
  done
  found=${found_one:-$found}
  found_one=
}

# give_up VERDICT CONTAINER FOUND: ends the phase with what is wrong.
give_up() {
  give_part=$service
  if [ -n "$2" ]; then
    give_part=$(part_of "$2")
    last_words "$2"
  fi
  case $1 in
    crashed) fail CRASH_LOOP "service=$give_part" "found=$3" ;;
    *) fail CONTAINER_UNHEALTHY "service=$give_part" "found=$3" ;;
  esac
}

# probe_line LINE: asks one address of SLUICE_PROBES (`service address path status body-in-base64 seconds`); sets probe_* and fails where
# the answer is not the right one.
probe_line() {
  IFS=' ' read -r probe_service probe_address probe_path probe_wanted probe_body probe_within <<PROBE
$1
PROBE
  # Through no file: what is asked on a full disk may be well.
  probe_said=$(proxy_probe "$(release_folder "$release")" "$probe_address" "$probe_path" | tr -d '\000')
  probe_got=${probe_said#"${probe_said%???}"}
  probe_wanted_words=$probe_wanted
  probe_right=yes
  [ "$probe_got" = "$probe_wanted" ] || probe_right=
  if [ "$probe_body" != - ]; then
    probe_text=$(printf %s "$probe_body" | base64 -d)
    probe_wanted_words="$probe_wanted and a body with \"$probe_text\""
    case ${probe_said%???} in
      *"$probe_text"*) ;;
      *)
        [ -z "$probe_right" ] || probe_got="$probe_got and another body"
        probe_right=
        ;;
    esac
  fi
  [ "${probe_got:-000}" != 000 ] || probe_got='no answer'
  [ -n "$probe_right" ]
}

# probe_gives_up: ends the phase with the answer of the last probe, and the logs of who gave it.
probe_gives_up() {
  for id in $(containers "com.sluice.release=$release" "com.sluice.part=$probe_service"); do
    last_words "$id"
  done
  fail PROBE_FAILED "service=$probe_service" "path=$probe_path" "got=$probe_got" "wanted=$probe_wanted_words"
}

# remove_release NAME: its containers, each with the time to end that its compose file gives it. Never a named volume.
remove_release() {
  remove_ids=$(containers "com.sluice.release=$1")
  [ -n "$remove_ids" ] || return 0
  # shellcheck disable=SC2086 # Ids.
  docker stop $remove_ids >/dev/null </dev/null || :
  # shellcheck disable=SC2086
  docker rm --force --volumes $remove_ids >/dev/null </dev/null
}
