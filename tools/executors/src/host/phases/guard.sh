# The guardian: stays on the host while a run holds the lock. Where the heartbeat stays away for longer than the lease, the
# deployer is dead or cut off, and the host puts itself back, with nothing but the files beside this one.
trap '' HUP
printf '%s %s %s\n' $$ "$(started $$)" "$run" | put "$home/run/guardian"
ttl=$(first_line "$home/lock/ttl")

# Counted in sleeps, not by the clock: a clock that is set must not end a deployment.
last=
still=0
while [ "$still" -le "$ttl" ]; do
  holding || exit 0
  seen=$(modified "$home/lock/lease" 2>/dev/null || :)
  if [ "$seen" = "$last" ]; then still=$((still + 1)); else still=0; fi
  last=$seen
  sleep 1
done

seize run || exit 0
journal guardian began "no heartbeat for $ttl s" || :
end_phase
# The engine may be what failed: it is tried again for an hour, and after that by the next run.
pause=1
spent=0
until SLUICE_SEIZED=$sluice_mine sh "$home/run/undo.sh" </dev/null; do
  if [ "$spent" -ge 3600 ]; then
    journal guardian failed || :
    exit 1
  fi
  sleep "$pause"
  spent=$((spent + pause))
  pause=$((pause < 16 ? pause * 2 : 30))
done
journal guardian 'done' || :
drop_lock
