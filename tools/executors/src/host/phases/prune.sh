# Removes what nobody goes back to: releases beyond SLUICE_KEEP_RELEASES (with their images), backups beyond SLUICE_KEEP_BACKUPS. Only of
# this service in this environment; never the current or the previous release, never a volume or a database.
hold
find_engine

# images_of FILE...: references by digest, as release.json names them.
images_of() { cat /dev/null "$@" | grep -o '"[^" ]*@sha256:[0-9a-f]*"' | tr -d '"' | sort -u; }

# every_release: release.json of all services and environments on this host.
every_release() { find "$root" -path '*/releases/*/release.json' -type f 2>/dev/null; }

release_states() {
  for folder in "$home/releases"/*; do
    case $folder in *.tmp* | *'/*') continue ;; esac
    if [ -d "$folder" ]; then echo "${folder##*/} $(first_line "$folder/state")"; fi
  done
}

candidates=
for old in $(release_states | expired_releases "${SLUICE_KEEP_RELEASES:-5}" "$(current)" "$(previous)"); do
  if [ "$old" = "$release" ] || [ -n "$(containers "com.sluice.release=$old")" ]; then
    log "the release $old still has containers: it stays"
    continue
  fi
  if [ -e "$home/releases/$old/release.json" ]; then candidates="$candidates $(images_of "$home/releases/$old/release.json")"; fi
  rm -rf "$home/releases/$old"
  log "removed the release $old"
  fact removed "$old"
done

in_use=$(every_release | while IFS= read -r file; do images_of "$file"; done)
for image in $candidates; do
  if printf '%s\n' "$in_use" | grep -qxF -e "$image"; then continue; fi
  # Without force: the engine refuses what a container uses.
  if docker rmi "$image" >/dev/null 2>&1 </dev/null; then
    log "removed the image $image"
    fact removed "$image"
  fi
done

rm -rf "$home/backups"/.making.*
prune_backups "${SLUICE_KEEP_BACKUPS:-5}"
fact free_mb "$(free_mb "$home")"
