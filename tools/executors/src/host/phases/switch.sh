# Sends WEIGHT percent of the requests to the release; with 100, waits up to DRAIN seconds for the requests at the old one.
# CONTRACT=yes: from here on the release before may not work with the database any more, so undo leaves things as they are.
hold
weight=${SLUICE_WEIGHT:-100}
journal switch began "$release $weight%${SLUICE_CONTRACT:+ contract=$SLUICE_CONTRACT}"
need_file services
folder=$(release_folder "$release")
find_engine
if proxied "$folder"; then proxy_ensure "$folder"; fi
proxy_switch "$folder" "$weight"
if [ "$weight" -eq 100 ]; then
  printf '%s\n' "$release" | put "$home/serving"
  echo serving | put "$folder/state"
  proxy_drain "$folder" "${SLUICE_DRAIN:-30}"
fi
fact serving "$(proxy_serving "$service" "$environment")"
journal switch 'done' "$release $weight%"
