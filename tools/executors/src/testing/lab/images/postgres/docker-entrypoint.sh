#!/bin/bash
# Makes the data directory once, as the official image does, then runs the server as postgres.
set -euo pipefail

[ "${1#-}" = "$1" ] || set -- postgres "$@"
if [ "$1" != postgres ]; then exec "$@"; fi

as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

setting() { # POSTGRES_X, or the file that POSTGRES_X_FILE names
  local name="POSTGRES_$1"
  if [ -n "${!name:-}" ]; then printf %s "${!name}" && return; fi
  name=${name}_FILE
  if [ -n "${!name:-}" ]; then cat "${!name}"; fi
}

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chown postgres:postgres "$PGDATA" /run/postgresql
  chmod 700 "$PGDATA"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  user=$(setting USER)
  user=${user:-postgres}
  database=$(setting DB)
  database=${database:-$user}
  password=$(setting PASSWORD)
  if [ -z "$password" ] && [ "$method" != trust ]; then
    echo 'error: set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust' >&2
    exit 1
  fi
  # A file: postgres may not open a pipe of root's.
  file=$(mktemp)
  printf '%s\n' "${password:-none}" >"$file"
  chown postgres "$file"
  as_postgres initdb --username="$user" --pwfile="$file" --auth=trust --no-sync >/dev/null
  rm "$file"
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
  as_postgres pg_ctl -w -o "-c listen_addresses=''" start >/dev/null
  if [ "$database" != postgres ]; then
    psql -v ON_ERROR_STOP=1 --no-psqlrc -qU "$user" -d postgres -v name="$database" <<<'CREATE DATABASE :"name";'
  fi
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) bash "$file" ;;
      *.sql) psql -v ON_ERROR_STOP=1 --no-psqlrc -qU "$user" -d "$database" -f "$file" ;;
      *.sql.gz) gunzip -c "$file" | psql -v ON_ERROR_STOP=1 --no-psqlrc -qU "$user" -d "$database" ;;
    esac
  done
  as_postgres pg_ctl -m fast -w stop >/dev/null
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$@" -c listen_addresses='*'
