# PostgreSQL, by the tools in the database's own container. One of the variants behind databases.sh.

# postgres_open: finds the tools, and asks the server.
postgres_open() {
  db_has psql >/dev/null || fail DUMP_TOOL_MISSING "service=$db_service" tool=psql
  db_has pg_dump >/dev/null || fail DUMP_TOOL_MISSING "service=$db_service" tool=pg_dump
  postgres_home=postgres
  postgres_query "$postgres_home" 'SELECT 1' >/dev/null 2>&1 || postgres_home=template1
  db_ask postgres_query "$postgres_home"
}

# postgres_run DATABASE [VARIABLE=VALUE...]: SQL on standard input, in which :'VARIABLE' is a string and :"VARIABLE" a name; ends at
# the first error. The database's name goes by the environment: as an argument psql would read some names as addresses.
postgres_run() {
  postgres_base=$1
  shift
  for postgres_variable; do
    shift
    set -- "$@" -v "$postgres_variable"
  done
  db_run env "PGDATABASE=$postgres_base" "PGUSER=$db_user" PGAPPNAME=sluice PGOPTIONS='-c client_min_messages=warning' \
    psql -X -q -A -t -w -v ON_ERROR_STOP=1 "$@" -f -
}

# postgres_query DATABASE SQL [VARIABLE=VALUE...]
postgres_query() {
  postgres_base=$1
  postgres_sql=$2
  shift 2
  printf '%s\n' "$postgres_sql" | postgres_run "$postgres_base" "$@"
}

# postgres_dump DATABASE: one snapshot.
postgres_dump() {
  db_run env "PGDATABASE=$1" "PGUSER=$db_user" PGAPPNAME=sluice pg_dump -w --format=plain --lock-wait-timeout=60000 </dev/null
}

# postgres_complete: whether the dump on standard input was written to its end. Newer ones have `\unrestrict` behind it.
postgres_complete() { tail -n 8 | grep -q '^-- PostgreSQL database dump complete'; }

# postgres_quiet: nothing in a dump runs by itself.
postgres_quiet() { cat; }

# postgres_schema: the dump on standard input without rows.
postgres_schema() { sed '/^COPY .* FROM stdin;$/,/^\\\.$/d'; }

postgres_load() { postgres_run "$1" >/dev/null; }

postgres_exists() {
  [ "$(postgres_query "$postgres_home" "SELECT count(*) FROM pg_database WHERE datname = :'name'" "name=$1")" = 1 ]
}

postgres_tables() {
  postgres_query "$1" "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'm') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
}

postgres_notes() { :; }

# postgres_create DATABASE LIKE: with all that a dump of one database does not hold: encoding, locale, owner, rights, settings.
postgres_create() {
  # shellcheck disable=SC2016 # psql's own variables.
  postgres_query "$postgres_home" '
    SELECT count(*) > 0 AS known FROM pg_database WHERE datname = :'\''like'\'' \gset
    \if :known
      SELECT format($f$CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L%s$f$, :'\''name'\'', pg_get_userbyid(datdba),
          pg_encoding_to_char(encoding), concat(
            $$ LC_COLLATE $$ || quote_literal(row ->> $$datcollate$$), $$ LC_CTYPE $$ || quote_literal(row ->> $$datctype$$),
            CASE row ->> $$datlocprovider$$ WHEN $$i$$ THEN $$ LOCALE_PROVIDER icu ICU_LOCALE $$
              || quote_literal(coalesce(row ->> $$datlocale$$, row ->> $$daticulocale$$))
              || coalesce($$ ICU_RULES $$ || quote_literal(row ->> $$daticurules$$), $$$$)
            WHEN $$b$$ THEN $$ LOCALE_PROVIDER builtin BUILTIN_LOCALE $$ || quote_literal(row ->> $$datlocale$$) END))
        FROM (SELECT *, to_jsonb(d) AS row FROM pg_database d WHERE datname = :'\''like'\'') AS source \gexec
      SELECT format($f$REVOKE ALL ON DATABASE %I FROM PUBLIC$f$, :'\''name'\'')
        FROM pg_database WHERE datname = :'\''like'\'' AND datacl IS NOT NULL \gexec
      SELECT format($f$GRANT %s ON DATABASE %I TO %s%s$f$, privilege_type, :'\''name'\'',
          CASE grantee WHEN 0 THEN $$PUBLIC$$ ELSE quote_ident(pg_get_userbyid(grantee)) END, CASE WHEN is_grantable THEN $$ WITH GRANT OPTION$$ END)
        FROM pg_database, aclexplode(datacl) WHERE datname = :'\''like'\'' \gexec
      SELECT format($f$ALTER DATABASE %I CONNECTION LIMIT %s$f$, :'\''name'\'', datconnlimit)
        FROM pg_database WHERE datname = :'\''like'\'' AND datconnlimit >= 0 \gexec
    \else
      CREATE DATABASE :"name" TEMPLATE template0;
    \endif' "name=$1" "like=$2" || return 1
  postgres_exists "$2" || return 0
  # Settings of a database hold in its sessions: from one of these they are taken over whatever they hold.
  # shellcheck disable=SC2016
  postgres_query "$2" '
    SELECT format($f$ALTER DATABASE %I SET %s FROM CURRENT$f$, :'\''name'\'', split_part(setting, $$=$$, 1))
      FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(setconfig) AS setting
      WHERE datname = current_database() AND setrole = 0
        AND split_part(setting, $$=$$, 1) NOT IN ($$client_min_messages$$) \gexec' "name=$1"
}

postgres_drop() { postgres_query "$postgres_home" 'DROP DATABASE IF EXISTS :"name";' "name=$1"; }

# ── swap ────────────────────────────────────────────────────────────────────────────────────────────

# postgres_swap NAME FRESH REPLACED FOLDER: both names change in one transaction. Whoever is connected is sent away; while a rename
# waits for the last one nobody new comes in, but one may come before it waits: hence several times.
postgres_swap() {
  printf 'swapping\n' | put "$4/swapping" || return 1
  postgres_turn=1
  until postgres_rename "$@"; do
    [ "$postgres_turn" -lt 5 ] || return 1
    postgres_turn=$((postgres_turn + 1))
  done
  postgres_settle "$@"
}

postgres_rename() {
  # shellcheck disable=SC2016
  postgres_query "$postgres_home" '
    SELECT count(*) > 0 AS known FROM pg_database WHERE datname = :'\''name'\'' \gset
    BEGIN;
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname IN (:'\''name'\'', :'\''fresh'\'')
      AND backend_type = $$client backend$$ \g /dev/null
    \if :known
      ALTER DATABASE :"name" RENAME TO :"replaced";
    \endif
    ALTER DATABASE :"fresh" RENAME TO :"name";
    COMMIT;' "name=$1" "fresh=$2" "replaced=$3"
}

# postgres_settle NAME FRESH REPLACED FOLDER: after a swap that may have broken off anywhere. Says which: `restored` or `as before`.
postgres_settle() {
  postgres_query "$postgres_home" 'SELECT 1' >/dev/null || return 1
  if [ -e "$4/swapping" ] && ! postgres_exists "$2"; then
    postgres_exists "$1" && echo restored
  else
    rm -f "$4/swapping"
    postgres_drop "$2" && echo 'as before'
  fi
}
