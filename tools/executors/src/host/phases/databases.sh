# The databases of a service, each in a container of its own that this project does not build. A kind is one file of functions:
#   <kind>_open                             finds its tools and asks the server; DUMP_TOOL_MISSING, DATABASE_UNREACHABLE
#   <kind>_dump NAME                        writes a consistent dump
#   <kind>_complete                         whether a dump on standard input was written to its end
#   <kind>_schema, <kind>_quiet             a dump without its rows; without what would run by itself
#   <kind>_create NAME LIKE, <kind>_drop NAME, <kind>_exists NAME, <kind>_tables NAME, <kind>_notes NAME
#   <kind>_load NAME                        runs the SQL on standard input, up to the first error
#   <kind>_swap NAME FRESH REPLACED FOLDER  puts FRESH in the place of NAME, which then is REPLACED
#   <kind>_settle (the same)                after a swap that broke off: says `restored` or `as before`, and makes it true

# read_databases: lines `kind<tab>service<tab>name<tab>user` (SLUICE_DATABASES). Their passwords come on standard input: a line each, in
# the same order, with backslashes, tabs and newlines as \\, \t and \n.
read_databases() {
  db_count=0
  db_passwords=
  while [ "$db_count" -lt "$(database_count)" ] && IFS= read -r db_line; do
    db_passwords=$db_passwords$db_line$newline
    db_count=$((db_count + 1))
  done
  [ -n "${engine:-}" ] || find_engine
}
database_count() { printf %s "${SLUICE_DATABASES:-}" | grep -c . || :; }

# open_database NUMBER: sets db_kind db_service db_name db_user, finds the container, and asks the server.
open_database() {
  db_line=$(printf '%s\n' "$SLUICE_DATABASES" | sed -n "$1p")
  db_kind=${db_line%%"$tab"*} db_line=${db_line#*"$tab"}
  db_service=${db_line%%"$tab"*} db_line=${db_line#*"$tab"}
  db_name=${db_line%%"$tab"*}
  db_user=${db_line#*"$tab"}
  case $db_kind in mysql | postgres) ;; *) fail DATABASE_UNREACHABLE "service=$db_service" "name=$db_name" "said=no such kind: $db_kind" ;; esac
  db_password=$(printf '%s' "$db_passwords" | sed -n "$1p")
  db_container=$(docker ps --quiet --filter "label=com.docker.compose.project=$(accessories_project)" \
    --filter "label=com.docker.compose.service=$db_service" --filter status=running </dev/null | sed -n 1p)
  [ -n "$db_container" ] || fail DATABASE_UNREACHABLE "service=$db_service" "name=$db_name" 'said=its container does not run'
  "${db_kind}_open"
}

# accessories_project: compose takes small letters alone.
accessories_project() { printf %s "$service-$environment" | tr '[:upper:]' '[:lower:]'; }

# db KIND-LESS FUNCTION: `db tables shop` is mysql_tables or postgres_tables.
db() {
  db_function=${db_kind}_$1
  shift
  "$db_function" "$@"
}

# db_run COMMAND...: in the database's container. The password goes ahead of the standard input, so that it is in no argument, no
# file, and in no answer of the engine.
db_run() {
  {
    printf '%s\n' "$db_password"
    cat
  } | docker exec -i "$db_container" sh -c "$db_program" sh "$@"
}
# shellcheck disable=SC2016 # Expanded by the container's shell.
db_program='
  IFS= read -r p
  p=$(printf "%bx" "$p")
  MYSQL_PWD=${p%x} PGPASSWORD=${p%x}
  export MYSQL_PWD PGPASSWORD
  exec "$@"'

# db_has TOOL...: the first of these that the container has.
db_has() {
  # shellcheck disable=SC2016
  docker exec "$db_container" sh -c 'for t; do command -v "$t" && exit; done; exit 1' sh "$@" </dev/null
}

# db_ask QUERY DATABASE: whether the server answers, and takes the password.
db_ask() {
  db_said=$("$1" "$2" 'SELECT 1' 2>&1) || :
  [ "$db_said" = 1 ] || fail DATABASE_UNREACHABLE "service=$db_service" "name=$db_name" "said=$db_said"
}

# derived NAME SUFFIX: a database's name with something behind it, short enough for every kind, and the same each time.
derived() {
  if [ "${#1}" -gt 32 ]; then
    printf '%s_%s%s' "$(printf %.20s "$1" | tr -c 'A-Za-z0-9' _)" "$(printf %s "$1" | cksum | cut -d ' ' -f 1)" "$2"
  else
    printf '%s%s' "$1" "$2"
  fi
}

# fresh_database FRESH FILTER DUMP: makes a database of a compressed dump, or of the part that the filter lets through; says on
# standard error what is wrong. 2: databases cannot be made at all.
fresh_database() {
  if ! db drop "$1" || ! db create "$1" "$db_name"; then return 2; fi
  # A dump that breaks off in the middle of it ends gzip with an error, which a pipe would hide.
  db_broken=$(
    {
      { gzip -dc "$3" || echo gzip >&4; } | { db "$2" || echo filter >&4; } | { db load "$1" || echo load >&4; }
    } 4>&1 >&2
  )
  [ -z "$db_broken" ]
}
