# Takes the lock for OWNER, for TTL seconds from each heartbeat, and starts its guardian.
# Input: the scripts for the guardian, behind lines `#### <name>`.
ttl=${SLUICE_TTL:?}
owner=${SLUICE_OWNER:?}
mkdir -p "$home"

start_guardian() {
  lock_run=$run
  guardian_lives && return 0
  sluice_setsid=
  if command -v setsid >/dev/null 2>&1; then sluice_setsid=setsid; fi
  # Outlives ssh: no terminal, no open file of the session's.
  nohup $sluice_setsid sh "$home/run/guard.sh" </dev/null >>"$home/run/guard.log" 2>&1 &
  sluice_left=50
  until guardian_lives; do
    if [ "$sluice_left" -le 0 ]; then
      sluice_said=$(tail -n 3 "$home/run/guard.log")
      # Nothing was begun: nobody has to wait for the lease to end.
      drop_lock || :
      fail GUARDIAN_MISSING "said=$sluice_said"
    fi
    sluice_left=$((sluice_left - 1))
    sleep 0.1
  done
}

take_lock() {
  mkdir "$home/lock" 2>/dev/null || return 1
  fill_lock && return 0
  # What is not whole would be in everybody's way, and nobody's.
  rm -rf "$home/lock"
  exit 1
}
# The shell does not stop at a failure in here.
fill_lock() {
  rm -rf "$home/run" &&
    mkdir "$home/run" &&
    printf '%s\n' "$scripts" | awk -v "folder=$home/run" '/^#### / { file = folder "/" $2; next } { print >file }' &&
    printf '%s\n' "$owner" >"$home/lock/owner" &&
    printf '%s\n' "$ttl" >"$home/lock/ttl" &&
    : >"$home/lock/lease" &&
    printf '%s\n' "$run" | put "$home/lock/run"
}

# A run that stopped beating is put back before anybody else begins.
put_back() {
  if [ -n "$lock_run" ]; then sluice_from=$(seized || echo run); else sluice_from=; fi
  if [ -z "$sluice_from" ]; then
    drop_lock || :
    return 0
  fi
  seize "$sluice_from" || return 0
  log "the lease of run $lock_run ($lock_owner) is over: putting it back"
  end_phase
  undo=$home/run/undo.sh
  if [ ! -s "$undo" ]; then
    undo=$home/undo.$$.sh
    printf '%s\n' "$scripts" | awk '/^#### / { wanted = ($2 == "undo.sh"); next } wanted' >"$undo"
  fi
  undone=yes
  undo_said=$(SLUICE_RUN=$lock_run SLUICE_SEIZED=$sluice_mine sh "$undo" </dev/null 2>&1) || undone=
  rm -f "$home/undo.$$.sh"
  # What ended it is not what ends this phase.
  printf '%s\n' "$undo_said" | sed 's/^@error /could not: /'
  [ -n "$undone" ] || fail UNDO_FAILED "run=$lock_run" "current=$(current)"
  drop_lock
  fact taken_over "$lock_run"
}

scripts=$(cat)
# Who is putting something back is given a moment.
sluice_patience=100
until holding || take_lock; do
  lock_state
  case $lock_state in
    held)
      [ "$lock_run" != "$run" ] || continue
      fail LOCK_HELD "owner=$lock_owner" "run=$lock_run" "age=$lock_age" "ttl=$lock_ttl"
      ;;
    undoing | making)
      [ "$sluice_patience" -gt 0 ] ||
        fail LOCK_HELD "owner=$lock_owner" "run=$lock_run" "age=$lock_age" "ttl=$lock_ttl" transient=yes
      sluice_patience=$((sluice_patience - 1))
      sleep 0.1
      ;;
    expired | abandoned) put_back ;;
    free)
      # Given back a moment ago; or it cannot be made at all, and then this says why.
      sluice_patience=$((sluice_patience - 1))
      if [ "$sluice_patience" -lt 90 ]; then
        if mkdir "$home/lock"; then rmdir "$home/lock"; elif [ ! -d "$home/lock" ]; then exit 1; fi
      fi
      ;;
  esac
done
touch "$home/lock/lease"
start_guardian
journal lock 'done' "$owner"
fact locked "$run"
