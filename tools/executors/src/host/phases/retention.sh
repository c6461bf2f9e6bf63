# What is kept; a test compares it with the same rules written a second time.

# backup_names: of this environment, without their ending.
backup_names() {
  [ -d "$home/backups" ] || return 0
  find "$home/backups" -type f -name "backup_${environment}_????????T??????Z.tar.gz" | sed -e 's|.*/||' -e 's/\.tar\.gz$//' | sort
}

# backup_states: lines `name verified pinned`, each yes or no.
backup_states() {
  backup_names | while read -r retention_name; do
    retention_verified=no retention_pinned=no
    if grep -q '^ *"verified": "' "$home/backups/$retention_name.json" 2>/dev/null; then retention_verified=yes; fi
    if [ -e "$home/backups/$retention_name.pinned" ]; then retention_pinned=yes; fi
    echo "$retention_name $retention_verified $retention_pinned"
  done
}

# expired_backups KEEP: of the lines of backup_states on standard input, the names to remove: verified and not pinned, but the last
# KEEP of these. What was not verified neither counts nor goes.
expired_backups() {
  sort -r | awk -v keep="$1" '$2 == "yes" && $3 == "no" && ++n > (keep < 1 ? 1 : keep) { print $1 }'
}

# expired_releases KEEP CURRENT PREVIOUS: of lines `release state` on standard input, the names to remove. The two stay and count; then
# the newest, those that failed last.
expired_releases() {
  sort -r | awk -v keep="$1" -v current="$2" -v previous="$3" '
    $1 == current || $1 == previous { kept++; next }
    $2 == "failed" { failed[++f] = $1; next }
    { good[++g] = $1 }
    END {
      for (i = 1; i <= g; i++) if (kept < keep) kept++; else print good[i]
      for (i = 1; i <= f; i++) if (kept < keep) kept++; else print failed[i]
    }'
}

# remove_backup NAME: its manifest first, so that a part of it is never taken for a whole one.
remove_backup() {
  rm -f "$home/backups/$1.json"
  rm -f "$home/backups/$1.tar.gz"
}

# prune_backups KEEP
prune_backups() {
  for retention_name in $(backup_states | expired_backups "$1"); do
    remove_backup "$retention_name"
    log "removed the backup $retention_name"
    fact removed "$retention_name"
  done
}
