# What this host has of a service in an environment: `@release` and `@backup`, a JSON object each, newest first. Changes nothing.

# document FILE: its text as a JSON string, so that a broken file breaks nothing but itself.
document() {
  [ -e "$1" ] || set -- /dev/null
  json_string "$(tr -d '\000-\010\013\014\016-\037' <"$1")"
}
truth() { if "$@"; then printf true; else printf false; fi; }

find "$home/releases" -mindepth 1 -maxdepth 1 -type d ! -name '*.tmp*' 2>/dev/null | sort -r | while IFS= read -r folder; do
  name=${folder##*/}
  fact release "{\"release\": $(json_string "$name"), \"state\": $(json_string "$(first_line "$folder/state")"), \"current\": $(truth [ "$name" = "$(current)" ]), \"previous\": $(truth [ "$name" = "$(previous)" ]), \"manifest\": $(document "$folder/release.json")}"
done
backup_names | sort -r | while IFS= read -r name; do
  fact backup "{\"file\": \"$name.tar.gz\", \"bytes\": $(bytes_of "$backups/$name.tar.gz"), \"pinned\": $(truth [ -e "$backups/$name.pinned" ]), \"manifest\": $(document "$backups/$name.json")}"
done
