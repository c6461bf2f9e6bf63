# The release is the current one from here on: a way back is a rollback. Then the old containers are stopped and removed.
hold
journal finish began "$release"
need_file services
find_engine
folder=$(release_folder "$release")
old=$(current)
echo serving | put "$folder/state"
if [ "$old" != "$release" ]; then
  if [ -n "$old" ]; then printf '%s\n' "$old" | put "$home/previous"; fi
  printf '%s\n' "$release" | put "$home/current"
fi
printf '%s\n' "$release" | put "$home/serving"
proxy_settle "$folder"
rm -f "$folder/in-place"

# An engine that does not answer must not pass for one that has no containers.
ids=$(containers com.sluice.release)
others=
for id in $ids; do
  other=$(label "$id" com.sluice.release)
  others=$others$other$newline
done
printf %s "$others" | sort -u | while IFS= read -r other; do
  [ "$other" != "$release" ] || continue
  remove_release "$other"
  if [ -d "$(release_folder "$other")" ] && unfinished "$(release_folder "$other")"; then echo stopped | put "$(release_folder "$other")/state"; fi
  fact stopped "$other"
done
# Networks that releases had for themselves, of failed ones too.
docker network prune --force --filter "label=com.sluice.service=$service" --filter "label=com.sluice.environment=$environment" >/dev/null || :
journal finish 'done' "$release"
fact current "$(current)"
fact previous "$(previous)"
