# What is true on this host: asked after a lost connection, before anything is decided. Changes nothing, and answers also where
# the engine does not.
fact current "$(current)"
fact previous "$(previous)"
lock_state
[ "$lock_state" = free ] || fact lock "$(lock_json)"
[ ! -e "$home/journal" ] || awk -v "run=$run" '$2 == run' "$home/journal" | tail -n 200 |
  while IFS= read -r line; do printf '@journal %s\n' "$line"; done
for folder in "$home"/releases/*/; do
  [ ! -d "$folder" ] || fact release "$(basename "$folder") $(first_line "$folder/state")"
done

if seek_engine; then
  for id in $(containers com.sluice.release); do
    fact container "$(docker inspect --format \
      '{"id":{{json .ID}},"name":{{json .Name}},"image":{{json .Config.Image}},"state":{{json .State.Status}},"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}null{{end}},"restarts":{{json .RestartCount}},"labels":{{json .Config.Labels}}}' \
      "$id")"
  done
  fact serving "$(proxy_serving "$service" "$environment" || :)"
else
  fact engine_down "${engine_said:-there is none}"
fi
