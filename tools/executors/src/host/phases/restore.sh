# Puts back databases, and where SLUICE_RESTORE_VOLUMES is `yes` volumes, from a backup: SLUICE_FILE, or without it the one taken by the
# deployment that replaced SLUICE_RELEASE. Everything is made afresh beside what lives, checked, and only then swapped; what it
# replaces is kept. SLUICE_DATABASES as databases.sh says, SLUICE_VOLUMES a volume a line.
hold
find_engine
read_databases
volume_leftovers

# What a restore has written down, so that the next one can end what this one could not.
place=$home/restore
swapping=

# entry FOLDER FIELD: of what prepare wrote down.
entry() { first_line "$1/$2"; }

clean_up() {
  status=$?
  trap - EXIT
  if [ -z "$swapping" ] && [ "$status" != 0 ]; then
    for folder in "$place"/[0-9]*; do
      [ -e "$folder/fresh" ] || continue
      (open_database "$(entry "$folder" number)" && db drop "$(entry "$folder" fresh)") >/dev/null 2>&1 || :
    done
    for folder in "$place"/volume-*; do
      if [ -e "$folder/fresh" ]; then docker volume rm "$(entry "$folder" fresh)" >/dev/null 2>&1 || :; fi
    done
    rm -rf "$place"
  fi
  exit "$status"
}

# where: what is what, for the error of a swap that could not be ended.
where() {
  for folder in "$place"/[0-9]*; do
    [ -e "$folder/fresh" ] || continue
    printf '%s/%s: ' "$(entry "$folder" service)" "$(entry "$folder" name)"
    if [ -e "$folder/restored" ]; then
      printf 'restored, the former one is %s; ' "$(entry "$folder" replaced)"
    elif [ -e "$folder/swapping" ]; then
      printf 'half swapped: the backup is in it or in %s, the former one in it or in %s; ' "$(entry "$folder" fresh)" "$(entry "$folder" replaced)"
    else
      printf 'as before; '
    fi
  done
  for folder in "$place"/volume-*; do
    if [ -e "$folder/fresh" ]; then
      state='as before'
      if [ -e "$folder/restored" ]; then
        state="restored, the former one is $(entry "$folder" replaced)"
      elif [ -e "$folder/swapping" ]; then
        state="half swapped: the backup is in $(entry "$folder" fresh), the former one in it or in $(entry "$folder" replaced)"
      fi
      printf 'volume %s: %s; ' "$(entry "$folder" live)" "$state"
    fi
  done
}

# settle FOLDER: ends the swap of one database, forwards or back.
settle() {
  outcome=$(db settle "$(entry "$1" name)" "$(entry "$1" fresh)" "$(entry "$1" replaced)" "$1") ||
    fail RESTORE_SWAP_FAILED "where=$(where)" "folder=$place"
  if [ "$outcome" = restored ]; then done_with "$1"; fi
}

# done_with FOLDER: a database that is restored.
done_with() {
  : >"$1/restored"
  journal restore "done" "$(entry "$1" name)"
  fact restored "$(entry "$1" service)/$(entry "$1" name)"
  if db exists "$(entry "$1" replaced)"; then fact replaced "$(entry "$1" service)/$(entry "$1" replaced)"; fi
  if [ -s "$1/definitions.sql" ]; then
    mv "$1/definitions.sql" "$backups/$(entry "$1" replaced | tr -c 'A-Za-z0-9_-' _).sql"
    log "the events of the replaced database do not run; its definitions: $backups/$(entry "$1" replaced | tr -c 'A-Za-z0-9_-' _).sql"
  fi
}

swap_volume() {
  [ ! -e "$1/restored" ] || return 0
  volume_swap "$(entry "$1" live)" "$(entry "$1" fresh)" "$(entry "$1" replaced)" || return 1
  : >"$1/restored"
  fact restored "volume $(entry "$1" live)"
  fact replaced "volume $(entry "$1" replaced)"
  docker volume rm "$(entry "$1" fresh)" >/dev/null 2>&1 </dev/null || :
}

# end_former: a restore that was cut off is brought to an end before another begins.
end_former() {
  for folder in "$place"/[0-9]*; do
    if [ ! -e "$folder/fresh" ] || [ -e "$folder/restored" ]; then continue; fi
    log "ending the restore of $(entry "$folder" name) that began at $(entry "$place" time)"
    swapping=yes
    number=1
    until open_database "$number" && [ "$db_service/$db_name" = "$(entry "$folder" service)/$(entry "$folder" name)" ]; do
      [ "$number" -lt "$db_count" ] || fail RESTORE_SWAP_FAILED "where=$(where)" "folder=$place"
      number=$((number + 1))
    done
    settle "$folder"
  done
  for folder in "$place"/volume-*; do
    if [ -e "$folder/swapping" ]; then
      swap_volume "$folder" || fail RESTORE_SWAP_FAILED "where=$(where)" "folder=$place"
    elif [ -e "$folder/fresh" ]; then
      docker volume rm "$(entry "$folder" fresh)" >/dev/null 2>&1 </dev/null || :
    fi
  done
  rm -rf "$place"
  swapping=
}

# prepare NUMBER: a fresh database beside the one that lives, as the backup says.
prepare() {
  open_database "$1"
  listed=$(escaped "$db_name")
  line=$(awk -F "$tab" -v kind="$db_kind" -v service="$db_service" '$1 == kind && $2 == service' "$place/files/databases/list" |
    while IFS= read -r listed_line; do
      if [ "${listed_line#*"$tab"*"$tab"*"$tab"*"$tab"}" = "$listed" ]; then printf %s "$listed_line"; fi
    done)
  [ -n "$line" ] || fail BACKUP_INVALID "file=$file" "said=it holds no database $db_name of $db_service"
  line=${line#*"$tab"*"$tab"}
  tables=${line%%"$tab"*} line=${line#*"$tab"}
  mkdir "$place/$1"
  mv "$place/files/${line%%"$tab"*}" "$place/$1/dump.gz"
  fresh=$(derived "$db_name" "_restore_$time")
  printf '%s\n' "$1" >"$place/$1/number"
  printf '%s\n' "$db_service" >"$place/$1/service"
  printf '%s\n' "$db_name" >"$place/$1/name"
  printf '%s\n' "$(derived "$db_name" "_replaced_$time")" >"$place/$1/replaced"
  printf '%s\n' "$fresh" >"$place/$1/fresh"
  refused=$(fresh_database "$fresh" quiet "$place/$1/dump.gz" 2>&1) || {
    [ $? = 2 ] && fail DATABASE_RIGHTS_MISSING "service=$db_service" "user=$db_user" "said=$refused"
    fail RESTORE_FAILED "file=$file" "database=$db_name" "said=$refused" 'where=everything is as before'
  }
  made=$(db tables "$fresh")
  [ "$made" = "$tables" ] || fail RESTORE_FAILED "file=$file" "database=$db_name" "said=$made tables came out of it, the manifest says $tables" 'where=everything is as before'
  log "$db_name: $made tables restored beside it, as $fresh"
}

prepare_volume() {
  live=$(volume_name "$1")
  [ -e "$place/files/volumes/$1.tar.gz" ] || fail BACKUP_INVALID "file=$file" "said=it holds no volume $1"
  mkdir "$place/volume-$1"
  printf '%s\n' "$live" >"$place/volume-$1/live"
  printf '%s\n' "${live}_replaced_$time" >"$place/volume-$1/replaced"
  printf '%s\n' "${live}_restore_$time" >"$place/volume-$1/fresh"
  docker volume create "${live}_restore_$time" >/dev/null </dev/null
  gzip -dc "$place/files/volumes/$1.tar.gz" | volume_write "${live}_restore_$time" ||
    fail RESTORE_FAILED "file=$file" "database=volume $1" 'said=it cannot be filled' 'where=everything is as before'
  [ "$(volume_read "${live}_restore_$time" | volume_entries)" = "$(gzip -dc "$place/files/volumes/$1.tar.gz" | volume_entries)" ] ||
    fail RESTORE_FAILED "file=$file" "database=volume $1" 'said=what came out of it is not what is in the backup' 'where=everything is as before'
}

end_former
trap clean_up EXIT
trap 'exit 143' TERM HUP INT

file=${SLUICE_FILE:-$(newest_backup_before "${release:-$(previous)}")}
[ -n "$file" ] || fail BACKUP_MISSING "release=${release:-$(previous)}" "folder=$backups"
case $file in /*) ;; *) file=$backups/$file ;; esac
time=$(now | tr -d ':-')
mkdir "$place" "$place/files"
printf '%s\n' "$time" >"$place/time"
wrong=$(unpack "$file" "$place/files") || {
  if disk_full "$home" "$wrong"; then fail BACKUP_DISK_FULL "folder=$home" "free=$(free_mb "$home")"; fi
  fail BACKUP_INVALID "file=$file" "said=$wrong"
}

number=0
while [ "$number" -lt "$db_count" ]; do
  number=$((number + 1))
  prepare "$number"
done
if [ "${SLUICE_RESTORE_VOLUMES:-}" = yes ]; then
  for volume in ${SLUICE_VOLUMES:-}; do prepare_volume "$volume"; done
fi

# From here on this is ended by whoever restores next, should it be cut off.
hold
journal restore began "$file"
swapping=yes
number=0
while [ "$number" -lt "$db_count" ]; do
  number=$((number + 1))
  open_database "$number"
  if said=$(db swap "$db_name" "$(entry "$place/$number" fresh)" "$(entry "$place/$number" replaced)" "$place/$number" 2>&1); then
    done_with "$place/$number"
    continue
  fi
  settle "$place/$number"
  if [ ! -e "$place/$number/restored" ]; then
    journal restore failed "$db_name"
    set -- RESTORE_FAILED "file=$file" "database=$db_name" "said=it could not be swapped: $said" "where=$(where)"
    end_former
    fail "$@"
  fi
done
for folder in "$place"/volume-*; do
  [ -e "$folder/fresh" ] || continue
  : >"$folder/swapping"
  swap_volume "$folder" || fail RESTORE_SWAP_FAILED "where=$(where)" "folder=$place"
done
rm -rf "$place"
fact file "$file"
