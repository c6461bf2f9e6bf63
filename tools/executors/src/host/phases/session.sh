# One ssh execution for a whole deployment: reads requests on standard input, runs each phase in a process group of its own.
#
#   in   OPEN <nonce> <values>                        values: NAME=<value> ..., each value as printf %b reads it
#        RUN <id> <phase> <bytes> <bytes> <bytes>     followed by values, script (as %b reads it) and input (base64)
#        BEAT                                         touches the lease
#        KILL <signal> <pid>                          to the process group of the phase
#   out  <nonce> HELLO 1
#        <nonce> PID <id> <pid>
#        |<line>                                      what the phase prints
#        <nonce> END <id> <exit code>
#        <nonce> LOST                                 the lease is another's, or gone
#
# Nothing is written to a disk, so that a full one can still be put back. Where the input ends, a running phase goes on:
# whoever connects next waits for it, or the guardian ends it.
set -fu
umask 077
LC_ALL=C
export LC_ALL

# take BYTES: exactly as many from the input; `read` would take them one by one.
take() {
  sluice_left=$1
  while [ "$sluice_left" -gt 0 ]; do
    sluice_piece=$(dd "bs=$sluice_left" count=1 2>/dev/null)
    [ -n "$sluice_piece" ] || return 1
    printf %s "$sluice_piece"
    sluice_left=$((sluice_left - ${#sluice_piece}))
  done
}

# assign NAME=VALUE...: exports SLUICE_NAME. A value is data all the way: it is never read as shell code.
assign() {
  for sluice_pair; do
    sluice_value=$(printf '%bx' "${sluice_pair#*=}")
    export "SLUICE_${sluice_pair%%=*}=${sluice_value%x}"
  done
}

# Whether this run holds the lock.
holds() {
  { IFS= read -r sluice_holder <"$sluice_home/lock/run"; } 2>/dev/null && [ "$sluice_holder" = "$SLUICE_RUN" ]
}

beat() {
  if ! holds; then
    printf '%s LOST\n' "$sluice_nonce"
    return
  fi
  touch -c "$sluice_home/lock/lease"
  [ -e "$sluice_home/run/session" ] || remember_session
}

remember_session() {
  (echo "$$ $(started $$) $PPID" >"$sluice_home/run/session") 2>/dev/null || :
}

# A phase of this run that was cut off from its deployer ends before the next one begins.
wait_for_orphan() {
  holds && { IFS=' ' read -r sluice_pid sluice_start sluice_name <"$sluice_home/run/phase"; } 2>/dev/null || return 0
  alive "$sluice_pid" "$sluice_start" || return 0
  printf 'waiting for "%s", which was cut off from its deployer\n' "$sluice_name"
  end_group "$sluice_pid" "$sluice_start" 5
}

# A connection of this run that was cut off without notice may still hold its forwarded port: its sshd is ended too.
end_former_session() {
  holds || return 0
  if { IFS=' ' read -r sluice_pid sluice_start sluice_sshd <"$sluice_home/run/session"; } 2>/dev/null; then
    if alive "$sluice_pid" "$sluice_start"; then
      case $(cat "/proc/$sluice_sshd/comm" 2>/dev/null) in sshd*) kill -TERM "$sluice_sshd" 2>/dev/null ;; esac
      kill -TERM "$sluice_pid" 2>/dev/null
    fi
  fi
  remember_session
}

# Prints every line with a mark; goes on reading when nobody listens any more, so that the phase does not break off.
pump() {
  trap '' PIPE
  while IFS= read -r sluice_line || [ -n "$sluice_line" ]; do
    case $sluice_line in
      "$sluice_nonce "*) ;;
      *) sluice_line="|$sluice_line" ;;
    esac
    printf '%s\n' "$sluice_line" 2>/dev/null || exec cat >/dev/null
  done
}

# phase ID NAME SCRIPT INPUT: in the background. The script travels in a variable, which no `ps` shows.
phase() {
  wait_for_orphan
  sluice_script=$(printf '%bx' "$3")
  SLUICE_SCRIPT=${sluice_script%x}
  export SLUICE_SCRIPT
  # shellcheck disable=SC2016 # Expanded by the inner shell. What stands before the script: its process can be found again.
  printf %s "$4" | base64 -d | $sluice_setsid sh -c '
    printf "%s PID %s %s\n" "$1" "$2" "$$"
    { IFS= read -r s <"$4/lock/run" && [ "$s" = "$SLUICE_RUN" ] && {
      IFS= read -r s </proc/$$/stat && set -- "$1" "$2" "$3" "$4" ${s##*") "} && echo "$$ ${24} $3" >"$4/run/phase"; }; } 2>/dev/null
    s=$SLUICE_SCRIPT
    unset SLUICE_SCRIPT
    set --
    eval "$s"' sluice "$sluice_nonce" "$1" "$2" "$sluice_home"
  printf '\n%s END %s %s\n' "$sluice_nonce" "$1" $?
}

sluice_setsid=
if command -v setsid >/dev/null 2>&1; then sluice_setsid=setsid; fi

IFS=' ' read -r sluice_word sluice_nonce sluice_values || exit 0
[ "$sluice_word" = OPEN ] || exit 2
# shellcheck disable=SC2086 # Values hold no spaces.
assign $sluice_values
case $SLUICE_ROOT in /*) ;; *) SLUICE_ROOT=$HOME/$SLUICE_ROOT ;; esac
export SLUICE_ROOT
sluice_home=$SLUICE_ROOT/$SLUICE_SERVICE/$SLUICE_ENVIRONMENT
end_former_session
printf '%s HELLO 1\n' "$sluice_nonce"

while IFS=' ' read -r sluice_word sluice_one sluice_two sluice_three sluice_four sluice_five; do
  case $sluice_word in
    RUN)
      sluice_values=$(take "$sluice_three") || exit 0
      sluice_script=$(take "$sluice_four") || exit 0
      sluice_input=$(take "$sluice_five") || exit 0
      (
        # shellcheck disable=SC2086
        assign $sluice_values
        phase "$sluice_one" "$sluice_two" "$sluice_script" "$sluice_input" 2>&1 | pump
      ) </dev/null &
      sluice_values='' sluice_script='' sluice_input=''
      ;;
    BEAT) beat ;;
    KILL) kill "-$sluice_one" "-$sluice_two" 2>/dev/null || kill "-$sluice_one" "$sluice_two" 2>/dev/null ;;
    END) exit 0 ;;
  esac
done
