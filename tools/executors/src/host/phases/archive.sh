# A backup: one archive `backup_<environment>_<time>.tar.gz` with everything, its manifest beside it as `.json`, `.pinned` where it
# must stay. An archive without a manifest beside it was never verified.

backups=$home/backups

# checksums FOLDER: sha256 and name of every file below it, in one order.
checksums() { (cd "$1" && find . -type f ! -name SHA256SUMS ! -name manifest.json | sed 's|^\./||' | sort | xargs sha256sum); }

bytes_of() { wc -c <"$1" | tr -d ' '; }
hash_of() { sha256sum <"$1" | cut -d ' ' -f 1; }

# disk_full FOLDER [SAID]: whether what failed, failed for want of space.
disk_full() {
  case ${2:-} in *'No space left on device'* | *'Disk quota exceeded'*) return 0 ;; esac
  [ "$(df -Pk "$1" | awk 'NR == 2 { print $4 }')" -lt 64 ]
}

# pack FOLDER FILE: all files below FOLDER as one archive, read back from the disk and compared with what they are. Says what is wrong.
pack() {
  pack_list=$(checksums "$1" | sed 's/^[^ ]* [ *]//')
  pack_list="$pack_list SHA256SUMS manifest.json"
  # What is inside is compressed already.
  # shellcheck disable=SC2086 # Our own names, without spaces.
  pack_said=$(
    {
      { tar -C "$1" -cf - $pack_list 2>&4 || echo 'tar failed' >&4; } | gzip -1 2>&4 >"$2" || echo 'gzip failed' >&4
    } 4>&1
  )
  if [ -n "$pack_said" ] || ! synced "$2"; then
    printf '%s' "${pack_said:-it cannot be brought to the disk}"
    return 1
  fi
  # shellcheck disable=SC2086
  pack_want=$(cd "$1" && cat $pack_list | sha256sum)
  pack_got=$(gzip -dc "$2" 2>/dev/null | tar -xOf - 2>/dev/null | sha256sum)
  if [ "$pack_want" != "$pack_got" ]; then
    printf 'what the archive holds is not what was put into it'
    return 1
  fi
}

# unpack FILE FOLDER: only where the archive is what its manifest beside it says, and every file in it what the manifest inside says.
# Says what is wrong.
unpack() {
  if [ ! -e "$1" ]; then echo 'there is no such file' && return 1; fi
  if [ -e "${1%.tar.gz}.json" ]; then
    unpack_want=$(json_field "${1%.tar.gz}.json" archiveSha256)
    if [ "$unpack_want" != "$(hash_of "$1")" ]; then echo 'its checksum is not the one in its manifest' && return 1; fi
  fi
  # Links would let a foreign archive write elsewhere; tar itself refuses `..` and absolute names.
  if gzip -dc "$1" 2>/dev/null | tar -tvf - 2>/dev/null | grep -q '^[^-d]'; then echo 'it holds more than plain files' && return 1; fi
  unpack_said=$(
    {
      { gzip -dc "$1" 2>&4 || echo 'gzip failed' >&4; } | tar -C "$2" -xf - >&4 2>&4 || echo 'tar failed' >&4
    } 4>&1
  )
  if [ -n "$unpack_said" ]; then printf %s "$unpack_said" && return 1; fi
  if [ ! -s "$2/SHA256SUMS" ] || [ "$(checksums "$2")" != "$(cat "$2/SHA256SUMS")" ]; then
    echo 'the files in it are not those of its list of checksums'
    return 1
  fi
}

# newest_backup_before RELEASE: the verified one that was taken when RELEASE served, by the deployment that replaced it.
newest_backup_before() {
  for backup_file in $(backup_names | sort -r); do
    [ -n "$(json_field "$backups/$backup_file.json" verified 2>/dev/null)" ] || continue
    [ "$(json_field "$backups/$backup_file.json" serving)" = "$1" ] || continue
    printf %s "$backup_file.tar.gz"
    return
  done
}
