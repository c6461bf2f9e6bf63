# MySQL and MariaDB, by the tools in the database's own container. One of the variants behind databases.sh.
# Qualified names of other databases stay what they are; everything else is moved by name, so that grants stay where they are.

# mysql_open: finds client and dump tool of either vendor, and asks the server.
mysql_open() {
  mysql_client=$(db_has mariadb mysql) || fail DUMP_TOOL_MISSING "service=$db_service" 'tool=mariadb or mysql'
  mysql_dumper=$(db_has mariadb-dump mysqldump) || fail DUMP_TOOL_MISSING "service=$db_service" 'tool=mariadb-dump or mysqldump'
  db_ask mysql_query information_schema
  # MySQL's tool would else write a statement that only an administrator may load.
  mysql_gtid=
  case $(db_run "$mysql_dumper" --help 2>/dev/null) in *--set-gtid-purged*) mysql_gtid=--set-gtid-purged=OFF ;; esac
}

# mysql_run DATABASE [OPTION]: SQL on standard input; ends at the first error. Without --comments a routine would lose its own.
mysql_run() {
  db_run "$mysql_client" "--user=$db_user" --default-character-set=utf8mb4 --max-allowed-packet=1G --comments \
    --binary-mode --batch --raw --skip-column-names "--database=$1" ${2:+"$2"}
}

# mysql_query DATABASE SQL
mysql_query() { printf '%s\n' "$2" | mysql_run "$1"; }

# mysql_name NAME: as an identifier.
# shellcheck disable=SC2016
mysql_name() { printf '`%s`' "$(printf %s "$1" | sed 's/`/``/g')"; }
# mysql_text NAME: as a string, in hex, which nothing can break out of.
mysql_text() { printf "_utf8mb4 x'%s'" "$(printf %s "$1" | od -An -v -tx1 | tr -d ' \n')"; }

mysql_dump_with() {
  # shellcheck disable=SC2086 # One option or none.
  db_run "$mysql_dumper" "--user=$db_user" --default-character-set=utf8mb4 --max-allowed-packet=1G --single-transaction --quick \
    --hex-blob --no-tablespaces $mysql_gtid "$@" </dev/null
}

# mysql_dump DATABASE: consistent without a lock, as far as its tables have transactions.
mysql_dump() { mysql_dump_with --routines --triggers --events -- "$1"; }

# mysql_complete: whether the dump on standard input was written to its end.
mysql_complete() { tail -n 3 | grep -q '^-- Dump completed'; }

# mysql_quiet: the dump on standard input without its events, which would run in a copy as well.
mysql_quiet() { sed '/^-- Dumping events for database /,/^-- Dumping routines for database /d'; }
mysql_events() { sed -n '/^-- Dumping events for database /,/^-- Dumping routines for database /p'; }

# mysql_schema: the dump on standard input without rows and events.
mysql_schema() { sed '/^LOCK TABLES `/,/^UNLOCK TABLES;$/d' | mysql_quiet; }

mysql_load() { mysql_run "$1" >/dev/null; }

mysql_exists() {
  [ "$(mysql_query information_schema "SELECT COUNT(*) FROM schemata WHERE schema_name = $(mysql_text "$1")")" = 1 ]
}

mysql_tables() {
  mysql_query information_schema "SELECT COUNT(*) FROM tables WHERE table_schema = $(mysql_text "$1") AND table_type <> 'VIEW'"
}

# mysql_notes DATABASE: what a person should know about its dump.
mysql_notes() {
  mysql_query information_schema "SELECT CONCAT('table ', table_name, ' (', engine, ') has no transactions: rows written during the dump may be missing')
    FROM tables WHERE table_schema = $(mysql_text "$1") AND table_type <> 'VIEW' AND engine IN ('MyISAM', 'Aria', 'CSV', 'ARCHIVE')"
}

# mysql_create DATABASE LIKE: with the character set and collation of another, where that exists.
mysql_create() {
  mysql_like=$(mysql_query information_schema "SELECT CONCAT('CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name)
    FROM schemata WHERE schema_name = $(mysql_text "$2")") || return 1
  mysql_query information_schema "CREATE DATABASE $(mysql_name "$1") $mysql_like"
}

mysql_drop() { mysql_query information_schema "DROP DATABASE IF EXISTS $(mysql_name "$1")"; }

# ── swap ────────────────────────────────────────────────────────────────────────────────────────────
# RENAME TABLE moves all tables at once, but none that has triggers, and no views, routines and events. So triggers go before it and
# come back behind it; views, which find their tables by name, and the rest are made again behind it.

# mysql_triggers DATABASE: as SQL.
mysql_triggers() { mysql_dump_with --no-data --no-create-info --triggers --skip-routines --skip-events -- "$1"; }

# mysql_others DATABASE [OPTION]: routines, events and views, as SQL.
mysql_others() {
  mysql_dump_with ${2:+"$2"} --no-data --no-create-info --skip-triggers --routines --events -- "$1" || [ -n "${2:-}" ] || return 1
  mysql_views "$1" '' "${2:-}"
}

# mysql_views DATABASE CONDITION [OPTION]: some views, as SQL. With --force those that lost what they show are left out.
mysql_views() {
  mysql_found=$(mysql_query "$1" "SELECT table_name FROM information_schema.views WHERE table_schema = DATABASE() $2") || return 1
  [ -n "$mysql_found" ] || return 0
  (
    set -f
    IFS=$newline
    # shellcheck disable=SC2086 # A name a line.
    mysql_dump_with ${3:+"$3"} --no-data --skip-triggers -- "$1" $mysql_found || [ -n "${3:-}" ]
  )
}

# mysql_drops DATABASE QUERY...: runs the statements that the queries find.
mysql_drops() {
  mysql_base=$1
  shift
  mysql_statements=$(printf '%s;\n' "$@" | mysql_run "$mysql_base") || return 1
  [ -z "$mysql_statements" ] || mysql_query "$mysql_base" "SET SESSION lock_wait_timeout = 30; $mysql_statements"
}
# mysql_finds TYPE NAME TABLE SCHEMA: the query for `DROP <TYPE> <NAME>`, columns of a table of the information schema.
mysql_finds() {
  printf "SELECT CONCAT('DROP ', %s, ' IF EXISTS \`', REPLACE(%s, '\`', '\`\`'), '\`;') FROM information_schema.%s WHERE %s = DATABASE()" "$@"
}
mysql_drop_triggers() { mysql_drops "$1" "$(mysql_finds "'TRIGGER'" trigger_name triggers trigger_schema)"; }

# mysql_strip DATABASE: takes away all that is no table.
mysql_strip() {
  mysql_drops "$1" "$(mysql_finds "'TRIGGER'" trigger_name triggers trigger_schema)" \
    "$(mysql_finds "'EVENT'" event_name events event_schema)" "$(mysql_finds "'VIEW'" table_name views table_schema)" \
    "$(mysql_finds routine_type routine_name routines routine_schema) ORDER BY routine_type DESC"
}

# mysql_rename NAME FRESH REPLACED: in one statement, so that nobody ever sees a part of it.
mysql_rename() {
  mysql_statements=$(mysql_query information_schema "SET SESSION group_concat_max_len = 16777216;
    SELECT COALESCE(CONCAT('RENAME TABLE ', GROUP_CONCAT(piece ORDER BY turn SEPARATOR ', '), ';'), '') FROM (
      SELECT 1 AS turn, CONCAT($(mysql_text "$(mysql_name "$1").\`"), REPLACE(table_name, '\`', '\`\`'),
        $(mysql_text "\` TO $(mysql_name "$3").\`"), REPLACE(table_name, '\`', '\`\`'), '\`') AS piece
      FROM tables WHERE table_schema = $(mysql_text "$1") AND table_type <> 'VIEW'
      UNION ALL
      SELECT 2, CONCAT($(mysql_text "$(mysql_name "$2").\`"), REPLACE(table_name, '\`', '\`\`'),
        $(mysql_text "\` TO $(mysql_name "$1").\`"), REPLACE(table_name, '\`', '\`\`'), '\`')
      FROM tables WHERE table_schema = $(mysql_text "$2") AND table_type <> 'VIEW') AS pieces") || return 1
  mysql_query "$1" "SET SESSION lock_wait_timeout = 30; $mysql_statements"
}

# mysql_swap NAME FRESH REPLACED FOLDER: FOLDER/dump.gz is what FRESH was made of. What FOLDER holds afterwards is enough for mysql_settle.
mysql_swap() {
  mysql_exists "$1" || mysql_create "$1" "$2" || return 1
  # A view where a table is to come has to go as well.
  mysql_clash="AND table_name IN (SELECT table_name FROM information_schema.tables WHERE table_schema = $(mysql_text "$2") AND table_type <> 'VIEW')"
  # A database that has to be restored may have views that lost their tables: they stop nothing.
  mysql_triggers "$1" >"$4/triggers.sql" && mysql_complete <"$4/triggers.sql" &&
    mysql_views "$1" "$mysql_clash" --force >"$4/clash.sql" && mysql_others "$1" --force >"$4/others.sql" && mysql_complete <"$4/others.sql" &&
    mysql_others "$2" >"$4/after.sql" && mysql_triggers "$2" >>"$4/after.sql" && mysql_complete <"$4/after.sql" &&
    gzip -dc "$4/dump.gz" | mysql_events >>"$4/after.sql" &&
    mysql_create "$3" "$1" || return 1
  mysql_count=$(mysql_tables "$2") || return 1
  synced "$4/triggers.sql" "$4/clash.sql" "$4/others.sql" "$4/after.sql"
  printf '%s\n' "$mysql_count" | put "$4/swapping" || return 1
  mysql_drop_triggers "$2" && mysql_drops "$1" "$(mysql_finds "'TRIGGER'" trigger_name triggers trigger_schema)" \
    "$(mysql_finds "'VIEW'" table_name views table_schema) $mysql_clash" && mysql_rename "$1" "$2" "$3" || return 1
  mysql_settle "$@"
}

# mysql_settle NAME FRESH REPLACED FOLDER: after a swap that may have broken off anywhere, goes on where its tables were moved,
# and goes back where they were not. Says which: `restored` or `as before`.
mysql_settle() {
  if [ ! -e "$4/swapping" ]; then
    mysql_forget "$3" && mysql_drop "$2" && echo 'as before'
    return
  fi
  mysql_left=$(mysql_tables "$2") || return 1
  if [ "$mysql_left" != 0 ]; then
    mysql_drop_triggers "$1" && mysql_load "$1" <"$4/triggers.sql" && mysql_remake "$1" <"$4/clash.sql" || return 1
    # Once it is gone, nothing may take that for a sign of its having been moved.
    rm -f "$4/swapping"
    mysql_forget "$3" && mysql_drop "$2" && echo 'as before'
    return
  fi
  # A dump without tables: nothing tells whether the others were moved, and moving what is there is still right.
  if [ "$(first_line "$4/swapping")" = 0 ] && [ "$(mysql_tables "$3")" = 0 ]; then mysql_rename "$1" "$2" "$3" || return 1; fi
  mysql_strip "$1" && mysql_load "$1" <"$4/after.sql" || return 1
  # Events of the replaced database would go on working on it, or on the restored one.
  mysql_strip "$3" && mysql_quiet <"$4/others.sql" | mysql_remake "$3" && mysql_load "$3" <"$4/triggers.sql" || return 1
  cat "$4/others.sql" "$4/triggers.sql" >"$4/definitions.sql"
  mysql_forget "$2" && echo restored
}

# mysql_remake DATABASE: definitions on standard input; what was broken before stays away.
mysql_remake() {
  mysql_left=$(mysql_run "$1" --force 2>&1) || printf '%s\n' "$mysql_left" >&2
  mysql_query "$1" 'SELECT 1' >/dev/null
}

# mysql_forget DATABASE: drops one that holds no tables.
mysql_forget() {
  mysql_left=$(mysql_tables "$1") && [ "$mysql_left" = 0 ] && mysql_drop "$1"
}
