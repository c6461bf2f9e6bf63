#!/bin/sh
# A docker, a mariadb and a mariadb-dump for tests, by the name it is called by. What they know are files below $FAKE:
# databases/<name> holds the statements of a database, `dump` what the dump tool prints before it ends with `dump-code`.
set -u
mkdir -p "$FAKE/databases"
tables() { grep -c '^CREATE TABLE' "$FAKE/databases/$1" 2>/dev/null || :; }
case ${0##*/} in
  docker)
    printf '%s\n' "$*" >>"$FAKE/calls"
    case $1 in
      version) echo 24.0.7 ;;
      info) echo here ;;
      ps) case $* in *compose.service=db*) cat "$FAKE/running" ;; esac ;;
      exec)
        shift
        [ "$1" != -i ] || shift
        shift
        PATH=$FAKE/container exec "$@"
        ;;
    esac
    ;;
  mariadb-dump)
    case $* in *--help*) exit 0 ;; esac
    [ "$MYSQL_PWD" = "$(cat "$FAKE/password")" ] || exit 2
    cat "$FAKE/dump"
    exit "$(cat "$FAKE/dump-code")"
    ;;
  mariadb)
    for argument; do case $argument in --database=*) database=${argument#*=} ;; esac; done
    statements=$(cat)
    if [ "$MYSQL_PWD" != "$(cat "$FAKE/password")" ]; then echo 'Access denied' >&2 && exit 1; fi
    # shellcheck disable=SC2016
    name=$(printf '%s\n' "$statements" | sed -n 's/^[A-Z ]* DATABASE [A-Z ]*`\([^`]*\)`.*/\1/p')
    case $statements in
      'SELECT 1') echo 1 ;;
      *'COUNT(*) FROM tables'*x\'*)
        hex=${statements#*x\'}
        tables "$(env printf %b "$(printf %s "${hex%%\'*}" | sed 's/../\\x&/g')")"
        ;;
      'DROP DATABASE'*) rm -f "$FAKE/databases/$name" ;;
      'CREATE DATABASE'*) : >"$FAKE/databases/$name" ;;
      SELECT*) ;;
      *) printf '%s\n' "$statements" >>"$FAKE/databases/$database" ;;
    esac
    ;;
esac
