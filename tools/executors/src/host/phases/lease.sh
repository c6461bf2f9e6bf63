# The lock of a service in an environment: a folder, so that making it is atomic. While a run holds it, the file `run` in it
# names that run, and the age of `lease` is the time since its last heartbeat. Who puts a run back that stopped beating renames
# `run` to `seized.<pid>.<start>` first: of several, one succeeds, and from then on the run itself holds nothing any more.

# holding: whether the lock is this run's.
holding() { [ "$(first_line "$home/lock/run")" = "$run" ]; }

# hold: at the head of every phase that changes something.
hold() {
  holding || fail LOCK_LOST "run=$run"
  touch -c "$home/lock/lease"
}

# lock_state: sets lock_state to free, making, held, expired (nobody looks after it), undoing (its guardian, or another run, is at it),
# abandoned (whoever was at it is gone); and lock_owner, lock_run, lock_age, lock_ttl.
lock_state() {
  lock_state=free
  lock_owner=
  lock_run=
  lock_age=0
  lock_ttl=0
  [ -d "$home/lock" ] || return 0
  lock_owner=$(first_line "$home/lock/owner")
  lock_ttl=$(first_line "$home/lock/ttl")
  lock_ttl=${lock_ttl:-60}
  lock_age=$(($(date +%s) - $(modified "$home/lock/lease" 2>/dev/null || modified "$home/lock" 2>/dev/null || echo 0)))
  if lock_run=$(first_line "$home/lock/run") && [ -n "$lock_run" ]; then
    lock_state=held
    # A clock that was set back must not keep a lock for ever.
    if [ "$lock_age" -gt "$lock_ttl" ] || [ "$lock_age" -lt "-$lock_ttl" ]; then
      lock_state=expired
      if guardian_lives; then lock_state=undoing; fi
    fi
  elif sluice_seized=$(seized); then
    lock_run=$(first_line "$home/lock/$sluice_seized")
    lock_state=abandoned
    sluice_start=${sluice_seized##*.}
    sluice_pid=${sluice_seized%.*}
    if alive "${sluice_pid##*.}" "$sluice_start"; then lock_state=undoing; fi
  else
    # Somebody died of it, where it stays so.
    lock_state=making
    if [ "$lock_age" -gt 10 ]; then lock_state=abandoned; fi
  fi
}

# lock_json: what lock_state found.
lock_json() {
  printf '{"state":"%s","owner":%s,"run":%s,"age":%s,"ttl":%s}' \
    "$lock_state" "$(json_string "$lock_owner")" "$(json_string "$lock_run")" "$lock_age" "$lock_ttl"
}

# seized: name of the file that says who puts the run back; fails where nobody does.
seized() {
  for sluice_file in "$home"/lock/seized.*; do
    [ -e "$sluice_file" ] || return 1
    printf %s "${sluice_file##*/}"
    return 0
  done
}

# seize FILE: makes this process the one that puts the lock's run back; FILE is `run`, or what an abandoned one left.
seize() {
  sluice_mine=seized.$$.$(started $$)
  mv "$home/lock/$1" "$home/lock/$sluice_mine" 2>/dev/null
}

# drop_lock: at once, for all to see; only for the one that seized it.
drop_lock() {
  mv "$home/lock" "$home/lock.gone.$$" && rm -rf "$home/lock.gone.$$"
}

guardian_lives() {
  { IFS=' ' read -r sluice_pid sluice_start sluice_rest <"$home/run/guardian"; } 2>/dev/null &&
    [ "$sluice_rest" = "$lock_run" ] && alive "$sluice_pid" "$sluice_start"
}

# end_phase: ends what the run that was seized still does.
end_phase() {
  if { IFS=' ' read -r sluice_pid sluice_start sluice_rest <"$home/run/phase"; } 2>/dev/null && [ "$sluice_pid" != $$ ]; then
    end_group "$sluice_pid" "$sluice_start" 0
  fi
}
