# Gives the lock back, and sends its guardian home. Nothing to do where there is no lock.
if holding && seize run; then
  drop_lock
  lock_run=$run
  if guardian_lives; then kill -TERM "$sluice_pid" 2>/dev/null || :; fi
  journal unlock 'done' || :
  fact unlocked "$run"
elif [ -d "$home/lock" ]; then
  fail LOCK_LOST "run=$run"
fi
