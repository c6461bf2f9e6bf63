# Processes, by id and start: an id alone may be another process's by now.

# started PID: when a process started (ticks since boot); fails where it is gone, or only waits to be collected.
started() {
  { IFS= read -r sluice_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2086 # Fields of numbers. The name before them, in parentheses, may hold anything.
  set -- ${sluice_stat##*) }
  [ "$1" != Z ] && [ "$1" != X ] && echo "${20}"
}

# alive PID START: whether this very process still runs.
alive() {
  [ -n "${1:-}" ] && [ "$(started "$1")" = "${2:-}" ]
}

# end_group PID START SECONDS: waits that long for a process to end by itself, then ends it with all of its group.
end_group() {
  sluice_left=$(($3 * 5))
  while alive "$1" "$2" && [ "$sluice_left" -gt 0 ]; do
    sleep 0.2
    sluice_left=$((sluice_left - 1))
  done
  alive "$1" "$2" || return 0
  kill -TERM "-$1" 2>/dev/null || kill -TERM "$1" 2>/dev/null || :
  sluice_left=25
  while alive "$1" "$2" && [ "$sluice_left" -gt 0 ]; do
    sleep 0.2
    sluice_left=$((sluice_left - 1))
  done
  kill -KILL "-$1" 2>/dev/null || { alive "$1" "$2" && kill -KILL "$1" 2>/dev/null; } || :
}
