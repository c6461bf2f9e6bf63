#!/bin/bash
# Makes the data directory once, as the official image does, then runs the server as mysql.
set -euo pipefail

[ "${1#-}" = "$1" ] || set -- mariadbd "$@"
if [ "$1" != mariadbd ] && [ "$1" != mysqld ]; then exec "$@"; fi

as_mysql=(setpriv --reuid=mysql --regid=mysql --init-groups)
quote="'"

# MARIADB_X, or MYSQL_X, or the file that X_FILE names.
setting() {
  local name
  for name in "MARIADB_$1" "MYSQL_$1"; do
    if [ -n "${!name:-}" ]; then printf %s "${!name}" && return; fi
    name=${name}_FILE
    if [ -n "${!name:-}" ]; then cat "${!name}" && return; fi
  done
}

text() { # a value as an SQL string
  local value=${1//\\/\\\\}
  printf "'%s'" "${value//$quote/$quote$quote}"
}

name() { # a value as an SQL identifier
  # shellcheck disable=SC2016
  printf '`%s`' "${1//\`/\`\`}"
}

first_sql() {
  local root user database
  root=$(setting ROOT_PASSWORD)
  user=$(setting USER)
  database=$(setting DATABASE)
  printf "SET @@SESSION.SQL_LOG_BIN=0;\nDELETE FROM mysql.global_priv WHERE user = 'root' AND host <> 'localhost';\nFLUSH PRIVILEGES;\n"
  # For healthcheck.sh, which has no password.
  printf 'CREATE USER mysql@localhost IDENTIFIED VIA unix_socket;\n'
  if [ -n "$root" ]; then
    printf 'ALTER USER root@localhost IDENTIFIED BY %s;\n' "$(text "$root")"
    printf 'CREATE USER root@%s IDENTIFIED BY %s;\nGRANT ALL ON *.* TO root@%s WITH GRANT OPTION;\n' "'%'" "$(text "$root")" "'%'"
  fi
  if [ -n "$database" ]; then printf 'CREATE DATABASE IF NOT EXISTS %s;\n' "$(name "$database")"; fi
  if [ -n "$user" ]; then
    printf 'CREATE USER %s@%s IDENTIFIED BY %s;\n' "$(text "$user")" "'%'" "$(text "$(setting PASSWORD)")"
    if [ -n "$database" ]; then printf 'GRANT ALL ON %s.* TO %s@%s;\n' "$(name "${database//_/\\_}")" "$(text "$user")" "'%'"; fi
  fi
  printf 'FLUSH PRIVILEGES;\n'
}

chown mysql:mysql /var/lib/mysql /run/mysqld
if [ ! -d /var/lib/mysql/mysql ]; then
  if [ -z "$(setting ROOT_PASSWORD)$(setting ALLOW_EMPTY_ROOT_PASSWORD)$(setting RANDOM_ROOT_PASSWORD)" ]; then
    echo 'error: set MARIADB_ROOT_PASSWORD, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD or MARIADB_RANDOM_ROOT_PASSWORD' >&2
    exit 1
  fi
  mariadb-install-db --user=mysql --skip-test-db --auth-root-authentication-method=normal >/dev/null
  "${as_mysql[@]}" mariadbd --skip-networking --socket=/run/mysqld/first.sock &
  server=$!
  client=(mariadb --protocol=socket --socket=/run/mysqld/first.sock -uroot)
  for _ in $(seq 150); do
    if "${client[@]}" -e 'SELECT 1' >/dev/null 2>&1; then break; fi
    sleep 0.2
  done
  first_sql | "${client[@]}"
  export MYSQL_PWD
  MYSQL_PWD=$(setting ROOT_PASSWORD)
  database=$(setting DATABASE)
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) bash "$file" ;;
      *.sql) "${client[@]}" ${database:+"$database"} <"$file" ;;
      *.sql.gz) gunzip -c "$file" | "${client[@]}" ${database:+"$database"} ;;
    esac
  done
  unset MYSQL_PWD
  kill "$server"
  wait "$server"
fi
exec "${as_mysql[@]}" "$@"
