# Starts the release beside the one that serves; without a proxy in its place, because both want the same ports.
hold
journal start began "$release"
need_file compose.yaml services
folder=$(release_folder "$release")
find_engine
serving=$(current)
echo started | put "$folder/state"

# Behind the proxy the names in compose.yaml are the release's own; without one they are the plain ones.
in_place() { awk '$1 == $2 { found = 1 } END { exit !found }' "$folder/services"; }
if in_place && [ -n "$serving" ] && [ "$serving" != "$release" ]; then
  : >"$folder/in-place"
  synced "$folder/in-place"
  for id in $(containers "com.sluice.release=$serving"); do
    docker stop "$id" >/dev/null </dev/null
  done
fi

if ! logged release_compose up -d --no-build; then
  journal start failed "$said"
  for id in $(release_containers); do
    container_check "$id"
    if [ "$verdict" = crashed ]; then give_up crashed "$id" "$found"; fi
  done
  fail START_FAILED "release=$release" "said=$said"
fi
for id in $(release_containers); do
  proxy_pin "$id"
  fact container "$(part_of "$id") $id"
done
if proxied "$folder"; then proxy_names; fi
journal start 'done' "$release"
