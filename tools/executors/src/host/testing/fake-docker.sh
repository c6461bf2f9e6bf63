#!/bin/sh
# A docker for tests: containers are folders below $FAKE_DOCKER with the files labels, state, name, image. Every call is
# written to $FAKE_DOCKER/calls. $FAKE_DOCKER/down makes all of them fail, $FAKE_DOCKER/fail-<command> one of them.
set -eu
world=$FAKE_DOCKER
printf '%s\n' "$*" >>"$world/calls"
if [ -e "$world/down" ]; then
  echo 'Cannot connect to the Docker daemon' >&2
  exit 1
fi
if [ -e "$world/fail-$1" ]; then
  cat "$world/fail-$1" >&2
  exit 1
fi

of() { cat "$world/containers/$1/$2" 2>/dev/null || :; }

case $1 in
  version) cat "$world/version" 2>/dev/null || echo 24.0.7 ;;
  info) echo "$world" ;;
  compose)
    case "$*" in
      *'compose version'*) cat "$world/compose-version" 2>/dev/null || echo 2.24.5 ;;
      *' config -q'*) if grep -q broken; then echo 'services.api broken' >&2 && exit 15; fi ;;
    esac
    ;;
  ps)
    shift
    filters= names=no port=
    while [ $# -gt 0 ]; do
      case $1 in
        --filter)
          case $2 in
            label=*) filters="$filters ${2#label=}" ;;
            publish=*) port=${2#publish=} ;;
          esac
          shift
          ;;
        --format)
          names=yes
          shift
          ;;
      esac
      shift
    done
    for folder in "$world"/containers/*/; do
      [ -d "$folder" ] || continue
      id=$(basename "$folder")
      matches=yes
      for filter in $filters; do
        case $filter in
          *=*) grep -qxF -- "$filter" "$folder/labels" || matches=no ;;
          *) grep -q -- "^$filter=" "$folder/labels" || matches=no ;;
        esac
      done
      [ -z "$port" ] || [ "$(of "$id" port)" = "$port" ] || matches=no
      [ "$matches" = no ] || if [ "$names" = yes ]; then of "$id" name; else echo "$id"; fi
    done
    ;;
  inspect)
    for id; do :; done
    case $3 in
      *'index .Config.Labels'*)
        label=${3#*\"}
        sed -n "s/^${label%%\"*}=//p" "$world/containers/$id/labels"
        ;;
      '{{.State.Status}}') of "$id" state ;;
      *) printf '{"id":"%s","state":"%s"}\n' "$id" "$(of "$id" state)" ;;
    esac
    ;;
  stop)
    shift 3
    for id; do echo exited >"$world/containers/$id/state"; done
    ;;
  rm)
    shift 3
    for id; do rm -r "${world:?}/containers/$id"; done
    ;;
esac
