# Runs COMMAND (one argument a line) in a one-off container of the new image of COMPOSE_SERVICE, with the release's own environment.
hold
journal migrate began "$release${SLUICE_CONTRACT:+ contract=$SLUICE_CONTRACT}"
need_file compose.yaml services
key=$(awk -v "name=${SLUICE_COMPOSE_SERVICE:?}" '$1 == name { print $2; exit }' "$(release_folder "$release")/services")
[ -n "$key" ] || fail RELEASE_FOLDER_GONE "release=$release" "file=service $SLUICE_COMPOSE_SERVICE"
set --
while IFS= read -r argument; do
  set -- "$@" "$argument"
done <<COMMAND
${SLUICE_COMMAND:-}
COMMAND
# Its output is the engine's to tell: Compose 1 attaches to a container that runs already, and loses what was said before.
once="$(project "$release")-once-$$"
begin_once() { release_compose run --detach --name "$once" --no-deps -T "$key" "$@" >/dev/null; }
code=0
logged begin_once "$@" || code=$?
if [ "$code" -eq 0 ]; then
  logged docker logs --follow "$once" || :
  code=$(docker wait "$once")
fi
docker rm --force --volumes "$once" >/dev/null 2>&1 || :
if [ "$code" -ne 0 ]; then
  journal migrate failed "$code"
  fail MIGRATION_FAILED "service=$SLUICE_COMPOSE_SERVICE" "code=$code" "said=$said"
fi
journal migrate 'done' "$release"
