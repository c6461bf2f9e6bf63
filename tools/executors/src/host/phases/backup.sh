# One archive of all that a release works on: databases (dumped in their containers), named volumes, logs of its containers, its
# compose file and environment. SLUICE_DATABASES as databases.sh says, SLUICE_VOLUMES a volume a line, SLUICE_KEEP.
# It counts only once it was read back; whatever fails before leaves nothing behind.
hold
find_engine
read_databases
volume_leftovers

serving=$(current)
mkdir -p "$backups"
chmod 700 "$backups"
rm -rf "$backups"/.making.*
work=$backups/.making.$$
scratch=

clean_up() {
  status=$?
  trap - EXIT
  if [ -n "$scratch" ]; then db drop "$scratch" >/dev/null 2>&1 || :; fi
  rm -rf "$work" "$work.tar.gz"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 143' TERM HUP INT

# give_up CODE [KEY=VALUE...]: with the disk named as the reason where it is the reason.
give_up() {
  if disk_full "$backups" "$*"; then fail BACKUP_DISK_FULL "folder=$backups" "free=$(free_mb "$backups")"; fi
  fail "$@"
}

# stream FILE COMMAND...: what the command writes, compressed; sets `said` to what is wrong, whichever of the two it was.
stream() {
  stream_file=$1
  shift
  said=$(
    {
      { "$@" 2>&4 || echo "it ended with code $?" >&4; } | gzip -c 2>&4 >"$stream_file" || echo 'gzip failed' >&4
    } 4>&1
  )
  # Warnings of a tool that succeeded are no failure.
  case $said in *'it ended with code '* | *'gzip failed'*) return 1 ;; esac
}

# container_log CONTAINER: both of its streams.
container_log() { docker logs --timestamps "$1" 2>&1 </dev/null; }

# check DUMP: whether it is whole, and its schema makes as many tables as the database has.
check() {
  { gzip -dc "$1" || echo 'cannot be read'; } 2>&1 | db complete || give_up DUMP_FAILED "service=$db_service" "name=$db_name" 'said=the dump has no end'
  scratch=$(derived "$db_name" _sluice_check)
  refused=$(fresh_database "$scratch" schema "$1" 2>&1) || {
    [ $? = 2 ] && fail DATABASE_RIGHTS_MISSING "service=$db_service" "user=$db_user" "said=$refused"
    give_up BACKUP_INVALID "file=dump of $db_name" "said=$refused"
  }
  restored=$(db tables "$scratch")
  db drop "$scratch" >/dev/null
  scratch=
  [ "$restored" = "$tables" ] || fail BACKUP_INVALID "file=dump of $db_name" "said=it restores $restored tables, the database has $tables"
}

mkdir "$work" "$work/databases" "$work/volumes" "$work/logs" "$work/release" || give_up BACKUP_INVALID "file=$work" 'said=its folder cannot be made'
all_tables=0
number=0
json_databases=
while [ "$number" -lt "$db_count" ]; do
  number=$((number + 1))
  open_database "$number"
  tables=$(db tables "$db_name") || fail DATABASE_UNREACHABLE "service=$db_service" "name=$db_name" 'said=its tables cannot be counted'
  db notes "$db_name" | while read -r note; do log "$db_name: $note"; done
  file=databases/$number-$(printf %s "$db_name" | tr -c 'A-Za-z0-9_-' _).sql.gz
  stream "$work/$file" db dump "$db_name" || give_up DUMP_FAILED "service=$db_service" "name=$db_name" "said=$said"
  check "$work/$file"
  printf '%s\t%s\t%s\t%s\t%s\n' "$db_kind" "$db_service" "$tables" "$file" "$(escaped "$db_name")" >>"$work/databases/list" ||
    give_up BACKUP_INVALID "file=$file" 'said=it cannot be listed'
  json_databases=$json_databases${json_databases:+, }$(printf '{"kind": "%s", "service": %s, "name": %s, "tables": %s, "file": %s}' \
    "$db_kind" "$(json_string "$db_service")" "$(json_string "$db_name")" "$tables" "$(json_string "$file")")
  all_tables=$((all_tables + tables))
  fact database "$db_service/$db_name: $tables tables"
done

json_volumes=
for volume in ${SLUICE_VOLUMES:-}; do
  if ! volume_exists "$(volume_name "$volume")"; then
    log "the volume $(volume_name "$volume") does not exist yet"
    continue
  fi
  stream "$work/volumes/$volume.tar.gz" volume_read "$(volume_name "$volume")" ||
    give_up BACKUP_INVALID "file=volume $volume" "said=$said"
  json_volumes=$json_volumes${json_volumes:+, }$(json_string "$volume")
done

for container in $(containers "com.sluice.release=$serving"); do
  name=$(docker inspect --format '{{.Name}}' "$container" | tr -c 'A-Za-z0-9_.\n-' _)
  stream "$work/logs/${name#_}.log.gz" container_log "$container" || give_up BACKUP_INVALID "file=log of $name" "said=$said"
done
if [ -n "$serving" ] && [ -d "$home/releases/$serving" ]; then
  cp -p "$home/releases/$serving"/* "$work/release/" || give_up BACKUP_INVALID "file=release $serving" 'said=its files cannot be copied'
fi

# One a second, and never over another.
while
  at=$(now)
  name=backup_${environment}_$(printf %s "$at" | tr -d ':-')
  [ -e "$backups/$name.tar.gz" ]
do sleep 1; done

# manifest [FIELD...]: one field a line, as json_field reads it.
manifest() {
  printf '{\n  "schemaVersion": 1,\n  "file": "%s.tar.gz",\n  "service": %s,\n  "environment": %s,\n  "run": %s,\n  "release": %s,\n  "serving": %s,\n  "at": "%s",\n  "tables": %s,\n' \
    "$name" "$(json_string "$service")" "$(json_string "$environment")" "$(json_string "$run")" "$(json_string "$release")" \
    "$(json_string "$serving")" "$at" "$all_tables"
  for manifest_line; do printf '  %s,\n' "$manifest_line"; done
  printf '  "databases": [%s],\n  "volumes": [%s],\n  "files": {\n' "$json_databases" "$json_volumes"
  sed -e 's/^\([^ ]*\) [ *]\(.*\)$/    "\2": "\1"/' -e '$!s/$/,/' "$work/SHA256SUMS"
  printf '  }\n}\n'
}
if ! checksums "$work" >"$work/SHA256SUMS" || ! manifest >"$work/manifest.json"; then
  give_up BACKUP_INVALID "file=$name" 'said=its manifest cannot be written'
fi
wrong=$(pack "$work" "$work.tar.gz") || give_up BACKUP_INVALID "file=$name.tar.gz" "said=$wrong"
bytes=$(bytes_of "$work.tar.gz")
sha256=$(hash_of "$work.tar.gz")
mv "$work.tar.gz" "$backups/$name.tar.gz"
manifest "\"archiveBytes\": $bytes" "\"archiveSha256\": \"$sha256\"" "\"verified\": \"$(now)\"" | put "$backups/$name.json" || {
  rm -f "$backups/$name.tar.gz"
  give_up BACKUP_INVALID "file=$name.tar.gz" 'said=its manifest cannot be written'
}
fact backup "$name.tar.gz"
fact tables "$all_tables"
fact bytes "$bytes"
fact sha256 "$sha256"
if [ -n "${SLUICE_KEEP:-}" ]; then prune_backups "$SLUICE_KEEP"; fi
