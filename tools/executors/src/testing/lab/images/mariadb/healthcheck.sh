#!/bin/bash
# The checks of the official image that compose files use: --connect, --innodb_initialized.
set -euo pipefail

sql() {
  local as=()
  if [ "$(id -u)" = 0 ]; then as=(setpriv --reuid=mysql --regid=mysql --init-groups); fi
  "${as[@]}" mariadb --protocol=socket --skip-column-names -umysql -e "$1"
}

for check in "$@"; do
  case $check in
    # Denied is an answer too. The server that makes the data directory has no network.
    --connect) mariadb-admin ping --protocol=tcp --host=127.0.0.1 --user=healthcheck >/dev/null 2>&1 ;;
    --innodb_initialized) [ "$(sql "SELECT 1 FROM information_schema.ENGINES WHERE engine = 'innodb' AND support IN ('YES', 'DEFAULT')")" = 1 ] ;;
    *) echo "healthcheck.sh: unknown check $check" >&2 && exit 1 ;;
  esac
done
