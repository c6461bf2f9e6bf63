# What all phases share. Values come as SLUICE_<NAME> in the environment, secrets on standard input, never as arguments.
# Needs sh, coreutils or busybox, awk, sed, tar, gzip, curl, and an engine. Lines `@key value` on standard output are for the
# deployer; all others are for people.
set -eu
umask 077
LC_ALL=C
export LC_ALL
# ssh gives a bare PATH, and engines live in many places.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin:${HOME:-/}/bin
export PATH

service=${SLUICE_SERVICE:?}
environment=${SLUICE_ENVIRONMENT:?}
run=${SLUICE_RUN:?}
release=${SLUICE_RELEASE:-}
root=${SLUICE_ROOT:?}
case $root in /*) ;; *) root=${HOME:?}/$root ;; esac
# Folder of this service in this environment: lock/ journal current previous releases/ run/ backups/
home=$root/$service/$environment

newline='
'
tab='	'

# ── saying ──────────────────────────────────────────────────────────────────────────────────────────

# log TEXT...: a line for a person.
log() { printf '%s\n' "$*"; }

# escaped VALUE: on one line, with \\, \n and \t.
escaped() {
  case $1 in
    *\\* | *"$newline"* | *"$tab"*)
      printf '%s\n' "$1" | sed -e 's/\\/\\\\/g' -e "s/$tab/\\\\t/g" | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'
      ;;
    *) printf %s "$1" ;;
  esac
}

# fact KEY VALUE: for the deployer.
fact() { printf '@%s %s\n' "$1" "$(escaped "${2-}")"; }

# fail CODE [KEY=VALUE...]: ends the phase with an error of the catalogue.
fail() {
  sluice_error=$1
  shift
  for sluice_field; do
    sluice_error=$sluice_error$tab$(escaped "$sluice_field")
  done
  printf '@error %s\n' "$sluice_error"
  exit 10
}

# now: UTC, ISO 8601.
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# journal STEP began|done|failed|undone|kept [DETAIL]: one line more, on the disk when this returns.
journal() {
  mkdir -p "$home"
  printf '%s %s %s %s%s\n' "$(now)" "$run" "$1" "$2" "${3:+ $(escaped "$3")}" >>"$home/journal"
  synced "$home/journal"
}

# ── files ───────────────────────────────────────────────────────────────────────────────────────────

# synced FILE...: on the disk; where this sync cannot do single files, all of them.
synced() { sync "$@" 2>/dev/null || sync; }

# put FILE: standard input, to be read whole by its owner alone: the former content or the new one, never a part.
put() {
  mkdir -p "$(dirname "$1")"
  if cat >"$1.tmp.$$" && synced "$1.tmp.$$" && mv -f "$1.tmp.$$" "$1"; then
    synced "$(dirname "$1")"
  else
    rm -f "$1.tmp.$$"
    return 1
  fi
}

# first_line FILE: nothing where there is no such file.
first_line() {
  sluice_first=
  { IFS= read -r sluice_first <"$1" || :; } 2>/dev/null
  printf %s "$sluice_first"
}

# current, previous: names of releases; nothing before the first.
current() { first_line "$home/current"; }
previous() { first_line "$home/previous"; }

# release_folder [RELEASE]
release_folder() { printf %s "$home/releases/${1:-${release:?}}"; }

# modified FILE: seconds since 1970.
modified() { stat -c %Y "$1"; }

# free_mb FOLDER: free for this user where it would be made.
free_mb() {
  sluice_folder=$1
  while [ ! -d "$sluice_folder" ]; do sluice_folder=$(dirname "$sluice_folder"); done
  df -Pk "$sluice_folder" | awk 'NR == 2 { print int($4 / 1024) }'
}

# json_string TEXT: as a JSON string, quotes included.
json_string() {
  printf '%s\n' "$1" | sed -e 's/[\\"]/\\&/g' -e "s/$tab/\\\\t/g" -e 's/\r/\\r/g' |
    awk 'BEGIN { printf "\"" } NR > 1 { printf "\\n" } { printf "%s", $0 } END { printf "\"" }'
}

# json_field FILE NAME: a text or number at the top of a JSON file that we wrote with one field a line; names, digests, times.
json_field() {
  sed -n "s/^ *\"$2\": *\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1" | sed -n 1p
}

# ── engine ──────────────────────────────────────────────────────────────────────────────────────────

# seek_engine: sets `engine` (docker or podman; SLUICE_ENGINE where a value says it), `engine_version`, and `sudo` (nothing, or
# `sudo -n` where this user may not without). Fails where it does not answer, with its words in `engine_said`.
seek_engine() {
  engine=${SLUICE_ENGINE:-}
  engine_said=
  sudo=
  # Never the other one because the first is down: the containers are where they are.
  for sluice_one in docker podman; do
    [ -n "$engine" ] || ! program "$sluice_one" || engine=$sluice_one
  done
  [ -n "$engine" ] || return 1
  if engine_version=$(engine_answers); then return 0; fi
  engine_said=$engine_version
  command -v sudo >/dev/null 2>&1 || return 1
  sudo='sudo -n'
  if engine_version=$(engine_answers); then return 0; fi
  sudo=
  return 1
}
# program NAME: whether PATH has it, a function of ours by that name or not.
program() { (unset -f "$1" && command -v "$1") >/dev/null 2>&1; }
engine_answers() {
  sluice_side=Server
  if [ "$engine" = podman ]; then sluice_side=Client; fi
  # shellcheck disable=SC2086 # Nothing, or `sudo -n`.
  command $sudo "$engine" version --format "{{.$sluice_side.Version}}" 2>&1
}

# find_engine: like seek_engine, and ends the phase where there is none.
find_engine() {
  seek_engine && return 0
  [ -n "$engine" ] || fail ENGINE_MISSING
  fail ENGINE_UNREACHABLE "engine=$engine" "user=$(id -un)" "said=$engine_said"
}

# docker ARGUMENTS...: the engine that was found, whichever it is.
docker() {
  [ -n "${engine:-}" ] || find_engine
  # shellcheck disable=SC2086
  command $sudo "$engine" "$@"
}

# find_compose: sets `compose`: v2 (the engine's plugin), v1 (the program docker-compose, whichever version) or podman. The
# program itself is not asked: v1 takes half a second to start.
find_compose() {
  [ -n "${engine:-}" ] || find_engine
  engine_socket=
  if [ "$engine" = podman ]; then
    engine_socket=$(docker info --format '{{.Host.RemoteSocket.Path}}' | sed 's|^unix://||')
    # shellcheck disable=SC2086
    [ -S "$engine_socket" ] || { [ -n "$sudo" ] && $sudo test -S "$engine_socket"; } || {
      program podman-compose || ! program docker-compose || fail PODMAN_SOCKET_OFF "socket=$engine_socket"
      engine_socket=
    }
  fi
  if { [ "$engine" = docker ] || [ -n "$engine_socket" ]; } && docker compose version >/dev/null 2>&1; then
    compose=v2
  elif program docker-compose && { [ "$engine" = docker ] || [ -n "$engine_socket" ]; }; then
    compose=v1
  elif [ "$engine" = podman ] && program podman-compose; then
    compose=podman
  else
    fail COMPOSE_MISSING "engine=$engine"
  fi
}

compose_version() {
  case $compose in
    podman) command podman-compose version 2>/dev/null | sed -n 's/^podman-compose version:* //p' ;;
    *) compose version --short | sed 's/^v//' ;;
  esac
}

# compose ARGUMENTS...: by whichever compose this host has. A .env file in the folder of ssh's login is none of ours.
compose() {
  [ -n "${compose:-}" ] || find_compose
  export COMPOSE_DISABLE_ENV_FILE=1 COMPOSE_INTERACTIVE_NO_CLI=1
  # shellcheck disable=SC2086
  case $compose in
    v2) (cd / && docker compose "$@") ;;
    v1)
      # Podman serves Docker's API on a socket of its own.
      if [ -z "$engine_socket" ]; then
        (cd / && command $sudo docker-compose "$@")
      else
        (cd / && command $sudo env "DOCKER_HOST=unix://$engine_socket" docker-compose "$@")
      fi
      ;;
    podman) (cd / && command $sudo podman-compose "$@") ;;
  esac
}

# containers [FILTER...]: ids of this service's containers in this environment; a FILTER is another label, as NAME=VALUE.
containers() {
  set -- "com.sluice.service=$service" "com.sluice.environment=$environment" "$@"
  sluice_count=$#
  for sluice_label; do
    set -- "$@" --filter "label=$sluice_label"
  done
  shift "$sluice_count"
  docker ps --all --quiet --no-trunc "$@"
}

# label CONTAINER NAME
label() { docker inspect --format "{{ index .Config.Labels \"$2\" }}" "$1"; }

# project [RELEASE]: compose's name for a release.
project() {
  printf '%s-%s-%s' "$service" "$environment" "${1:-${release:?}}" | tr '[:upper:]' '[:lower:]'
}

# ── releases and steps ──────────────────────────────────────────────────────────────────────────────

# In a release's folder: `state` (started, healthy, serving, stopped or failed), and `in-place` where compose replaced the
# release before (`proxy: none`), which is then put back by its own compose file.

# unfinished FOLDER: whether a release was begun and neither stopped nor marked as failed.
unfinished() {
  [ -d "$1" ] || return 1
  case $(first_line "$1/state") in stopped | failed) return 1 ;; esac
}

# undone_steps: what this run began and neither took back nor kept yet, last one first.
undone_steps() {
  [ -e "$home/journal" ] || return 0
  awk -v "run=$run" '
    $2 != run || $3 == "undo" || $3 == "guardian" || $3 == "lock" || $3 == "unlock" { next }
    $4 == "undone" || $4 == "kept" { delete at[$3]; next }
    { at[$3] = NR; name[NR] = $3 }
    END { for (n = NR; n > 0; n--) if (n in name && at[name[n]] == n) print name[n] }' "$home/journal"
}
