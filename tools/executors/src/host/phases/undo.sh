# Puts this host back to the release in `current`, whatever a run got to: traffic first, then the containers of all other
# releases. Safe to repeat. Run by the deployer, by the guardian, or by the run that takes an expired lock over.
holding || [ -e "$home/lock/${SLUICE_SEIZED:-none}" ] || fail LOCK_LOST "run=$run"
serving=$(current)
# A full disk must not keep a host from being put back.
rm -rf "$home"/releases/*.tmp
journal undo began "$serving" || :

# The backup of a failed run is not rotated away.
pin_backups() {
  for manifest in "$home"/backups/*.json; do
    if grep -q "\"run\": *\"$run\"" "$manifest" 2>/dev/null; then : >"${manifest%.json}.pinned" || :; fi
  done
}

# one_way: whether this run did to the database what the release in `current` may not be able to live with: a migration that takes
# something away, or a restore (on the leader; on other hosts the switch says so). Then a person decides.
one_way() {
  awk -v "run=$run" '
    $2 == run && (($3 == "migrate" || $3 == "switch") && $4 == "began" && / contract=yes$/ || $3 == "restore" && $4 == "done") { found = 1 }
    END { exit !found }' "$home/journal" 2>/dev/null
}
if one_way; then
  pin_backups
  log 'the database was changed in a way that the release before may not be able to live with: everything stays as it is'
  journal undo left || :
  fact left one-way
  exit 0
fi

# others: containers of all releases but the current one. Accessories belong to no release.
others() {
  for sluice_id in $ids; do
    sluice_of=$(label "$sluice_id" com.sluice.release)
    [ "$sluice_of" = "$serving" ] || echo "$sluice_id"
  done
}
# An engine that does not answer must not pass for one that has no containers.
find_engine
ids=$(containers com.sluice.release)
gone=$(others)

# in_place: whether compose replaced the release that served, whose ports the new containers then have.
in_place() {
  for folder in "$home"/releases/*/; do
    if [ -e "$folder/in-place" ] && [ "$(basename "$folder")" != "$serving" ] && unfinished "$folder"; then return 0; fi
  done
  return 1
}

remove() {
  [ -n "$gone" ] || return 0
  # shellcheck disable=SC2086 # Ids.
  docker stop --time 10 $gone >/dev/null || :
  # shellcheck disable=SC2086
  docker rm --force --volumes $gone >/dev/null
  journal containers undone "$(printf '%s\n' "$gone" | wc -l | tr -d ' ')" || :
}

# revive: the release that serves runs whole, whoever stopped it.
revive() {
  [ -n "$serving" ] || return 0
  kept=$(containers "com.sluice.release=$serving")
  whole=${kept:+yes}
  for sluice_id in $kept; do
    [ "$(docker inspect --format '{{.State.Status}}' "$sluice_id")" = running ] || whole=
  done
  [ -n "$whole" ] || compose -p "$(project "$serving")" -f "$(release_folder "$serving")/compose.yaml" up -d
}

if in_place; then
  remove
  revive
else
  revive
  proxy_restore "$service" "$environment"
  remove
fi

for folder in "$home"/releases/*/; do
  sluice_name=$(basename "$folder")
  if [ -d "$folder" ] && [ "$sluice_name" != "$serving" ] && unfinished "$folder"; then
    echo failed | put "$folder/state" || :
    fact failed "$sluice_name"
  fi
done

pin_backups

# What was pulled, saved or migrated stays: it does the release that serves no harm.
undone_steps | while IFS= read -r step; do
  case $step in
    pull | backup | migrate) sluice_became=kept ;;
    *) sluice_became=undone ;;
  esac
  journal "$step" "$sluice_became" || :
  fact "$sluice_became" "$step"
done
journal undo 'done' "$serving" || :
fact serving "$serving"
