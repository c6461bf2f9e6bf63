# Prepares a server for deployments: a user, an engine, a firewall, folders, the proxy's image, and where backups are copied to.
# As root. What is there already stays: each step asks first, and looks again when it is done.
# SLUICE_MODE: look (say what would be done, change nothing) or do. SLUICE_USER, SLUICE_KEY (a public key, or empty),
# SLUICE_ENGINE (docker or podman), SLUICE_FIREWALL (ufw or none), SLUICE_PORTS, SLUICE_FOLDER (absolute, or below the home),
# SLUICE_PROXY (image, or empty), SLUICE_BACKUPS_TO (destination of rsync, or empty).
set -eu
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
export PATH DEBIAN_FRONTEND=noninteractive LC_ALL=C

# step NAME WHAT: is_NAME says whether it is so, do_NAME makes it so.
step() {
  if "is_$1"; then
    echo "same $2"
  elif [ "$SLUICE_MODE" = look ]; then
    echo "todo $2"
  else
    "do_$1" >&2 || fail FAILED "$2"
    "is_$1" || fail FAILED "$2: it was done, and is not so"
    echo "did $2"
  fi
}
# What a step prints goes to standard error, and its end does not.
exec 3>&1
fail() {
  echo "fail $1 $2" >&3
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
home() { getent passwd "$SLUICE_USER" | cut -d: -f6; }
as_user() { su -s /bin/sh -c "$1" "$SLUICE_USER"; }

# ── packages ──
if has apt-get; then
  system=apt
elif has dnf; then
  system=dnf
elif has apk; then
  system=apk
else
  system=none
fi
updated=no
install() {
  case $system in
    apt)
      [ "$updated" = yes ] || apt-get update -qq
      updated=yes
      apt-get install -y -qq --no-install-recommends "$@"
      ;;
    dnf) dnf install -y -q "$@" ;;
    apk) apk add -q "$@" ;;
    *) fail SYSTEM_UNKNOWN "it has none of apt-get, dnf and apk, by which $* could be installed" ;;
  esac
}

tools='awk curl gzip rsync sed tar'
is_tools() { for tool in $tools; do has "$tool" || return 1; done; }
do_tools() { install curl gawk gzip rsync sed tar; }

# ── user ──
is_user() { getent passwd "$SLUICE_USER" >/dev/null; }
do_user() {
  if has useradd; then useradd --create-home --shell /bin/sh "$SLUICE_USER"; else adduser -D -s /bin/sh "$SLUICE_USER"; fi
  # No password opens it, and sshd takes it for no locked account.
  echo "$SLUICE_USER:*" | chpasswd -e
}

is_key() { is_user && grep -qxF "$SLUICE_KEY" "$(home)/.ssh/authorized_keys" 2>/dev/null; }
do_key() {
  folder=$(home)/.ssh
  mkdir -p "$folder"
  echo "$SLUICE_KEY" >>"$folder/authorized_keys"
  chmod 700 "$folder"
  chmod 600 "$folder/authorized_keys"
  chown -R "$SLUICE_USER:" "$folder"
}

# ── engine ──
is_engine() { has "$SLUICE_ENGINE" && has_compose; }
has_compose() {
  case $SLUICE_ENGINE in
    docker) has docker-compose || docker compose version >/dev/null 2>&1 ;;
    *) has podman-compose || has docker-compose ;;
  esac
}
do_engine() {
  case $SLUICE_ENGINE-$system in
    docker-apt)
      apt-get update -qq
      updated=yes
      compose=docker-compose
      if apt-cache show docker-compose-v2 >/dev/null 2>&1; then compose=docker-compose-v2; fi
      if has docker; then install "$compose"; else install docker.io "$compose" iptables; fi
      ;;
    docker-dnf) install moby-engine docker-compose ;;
    docker-apk) install docker docker-cli-compose ;;
    podman-apt) install podman podman-compose netavark aardvark-dns uidmap slirp4netns ;;
    *) install podman podman-compose ;;
  esac
}

is_running() { [ "$SLUICE_ENGINE" = podman ] || docker info >/dev/null 2>&1; }
do_running() {
  if has systemctl; then
    systemctl enable --now docker
  elif has rc-update; then
    rc-update add docker default
    rc-service docker start
  else
    service docker start
  fi
}

# Who may use Docker is root in all but name; rootless Podman needs ports and a life beyond the login.
is_rights() {
  is_user || return 1
  case $SLUICE_ENGINE in
    docker) id -nG "$SLUICE_USER" | tr ' ' '\n' | grep -qx docker ;;
    *) [ -e "/var/lib/systemd/linger/$SLUICE_USER" ] && [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -le 80 ] ;;
  esac
}
do_rights() {
  case $SLUICE_ENGINE in
    docker) if has usermod; then usermod -aG docker "$SLUICE_USER"; else addgroup "$SLUICE_USER" docker; fi ;;
    *)
      if has loginctl; then loginctl enable-linger "$SLUICE_USER"; else mkdir -p /var/lib/systemd/linger && : >"/var/lib/systemd/linger/$SLUICE_USER"; fi
      echo 'net.ipv4.ip_unprivileged_port_start=80' >/etc/sysctl.d/60-sluice.conf
      sysctl -q -p /etc/sysctl.d/60-sluice.conf
      ;;
  esac
}

# ── firewall ──
# The port by which we are here stays open, whatever else happens.
ssh_port=${SSH_CONNECTION##* }
ports="${ssh_port:-22} $SLUICE_PORTS"
is_firewall() {
  has ufw || return 1
  state=$(ufw status) || return 1
  case $state in 'Status: active'*) ;; *) return 1 ;; esac
  for port in $ports; do echo "$state" | grep -q "^$port/tcp  *ALLOW " || return 1; done
}
do_firewall() {
  has ufw || install ufw
  for port in $ports; do ufw allow "$port/tcp"; done
  ufw default deny incoming
  ufw default allow outgoing
  ufw --force enable
}

# ── folders ──
folder() { case $SLUICE_FOLDER in /*) echo "$SLUICE_FOLDER" ;; *) echo "$(home)/$SLUICE_FOLDER" ;; esac; }
is_folder() { is_user && [ "$(stat -c '%U %a' "$(folder)" 2>/dev/null)" = "$SLUICE_USER 700" ]; }
do_folder() {
  mkdir -p "$(folder)"
  chown "$SLUICE_USER:" "$(folder)"
  chmod 700 "$(folder)"
}

# ── proxy ──
engine() {
  case $SLUICE_ENGINE in
    docker) docker "$@" ;;
    *) (cd / && as_user "XDG_RUNTIME_DIR=/run/user/\$(id -u) podman $*") ;;
  esac
}
is_proxy() { is_engine && is_running && { [ "$SLUICE_ENGINE" = docker ] || is_user; } && engine image inspect "$SLUICE_PROXY" >/dev/null 2>&1; }
do_proxy() { engine pull -q "$SLUICE_PROXY"; }

# ── backups ──
copy=/etc/cron.daily/sluice-backups
copy_script() {
  cat <<COPY
#!/bin/sh
# Written by Sluice: copies verified backups, with what is written down about them, to where this host's end does not reach them.
# Nothing is deleted there. Its key: $(home)/.ssh/id_ed25519.pub
cd "$(folder)" && exec su -s /bin/sh -c "rsync -a --relative --exclude='*.tmp' ./*/*/backups '$SLUICE_BACKUPS_TO/'" $SLUICE_USER
COPY
}
is_copy() { is_user && [ -x "$copy" ] && has rsync && { has cron || has crond; } && [ -e "$(home)/.ssh/id_ed25519" ] && [ "$(copy_script)" = "$(cat "$copy")" ]; }
do_copy() {
  has cron || has crond || case $system in apt) install cron ;; dnf) install cronie ;; *) : ;; esac
  if has systemctl && [ "$system" = dnf ]; then systemctl enable --now crond; fi
  mkdir -p /etc/cron.daily "$(home)/.ssh"
  chown "$SLUICE_USER:" "$(home)/.ssh"
  chmod 700 "$(home)/.ssh"
  [ -e "$(home)/.ssh/id_ed25519" ] || as_user "ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519"
  copy_script >"$copy"
  chmod 755 "$copy"
}

main() {
  [ "$(id -u)" = 0 ] || fail NEEDS_ROOT "the script runs as $(id -un)"
  step tools "the programs that a deployment uses: $tools"
  step user "the user $SLUICE_USER, without a password"
  [ -z "$SLUICE_KEY" ] || step key "your public key for $SLUICE_USER"
  step engine "$SLUICE_ENGINE with Compose"
  step running "the engine is running, and starts with the host"
  case $SLUICE_ENGINE in
    docker) step rights "$SLUICE_USER in the group docker" ;;
    *) step rights "ports from 80 on for everyone, and $SLUICE_USER's containers outlive the login" ;;
  esac
  [ "$SLUICE_FIREWALL" = none ] || step firewall "a firewall (ufw) that lets in ${ports% } and nothing else"
  step folder "the folder $SLUICE_FOLDER, for $SLUICE_USER alone"
  [ -z "$SLUICE_PROXY" ] || step proxy "the image of the proxy, $SLUICE_PROXY"
  if [ -n "$SLUICE_BACKUPS_TO" ]; then
    step copy "each day a copy of the backups at $SLUICE_BACKUPS_TO"
    ! is_user || [ ! -e "$(home)/.ssh/id_ed25519.pub" ] || echo "note let this key in at $SLUICE_BACKUPS_TO: $(cat "$(home)/.ssh/id_ed25519.pub")"
  fi
  echo end
}
# Read whole before it begins: what it starts must not read the rest of it.
main </dev/null
