# Sourced by the scripts. Installs Debian or Ubuntu packages that are missing, and nothing when none is: need_apt
# PACKAGE:COMMAND..., need_library PACKAGE SONAME. Services of these packages are not started by their installation.
# FRR is only unpacked: need_frr.

PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

# need_apt PACKAGE:COMMAND... installs the packages whose command is not there.
need_apt() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair#*:}" >/dev/null 2>&1 || missing+=("${pair%%:*}")
  done
  if [ "${#missing[@]}" -gt 0 ]; then apt_install "${missing[@]}"; fi
}

# need_library PACKAGE SONAME installs the package when the dynamic linker does not know the library.
need_library() {
  if [[ "$(ldconfig -p 2>/dev/null)" != *"$2"* ]]; then apt_install "$1"; fi
}

# What the demo runs on: namespaces, the rules of the lab's hub, setpriv.
need_demo() {
  need_root
  need_apt iproute2:ip nftables:nft util-linux:setpriv
}

# What the lab's tests and the benchmarks compare with and look through.
need_lab() {
  need_demo
  need_apt curl:curl haproxy:haproxy keepalived:keepalived nginx:nginx tcpdump:tcpdump wrk:wrk systemd-container:systemd-nspawn
  need_frr
  # Ubuntu has chromium as a snap only: without it the tests of the console in a browser are skipped, and say so.
  command -v chromium >/dev/null 2>&1 || apt_install chromium || echo "no chromium: browser tests will be skipped" >&2
}

# Where packages/vrrp/test/frr-router.ts looks for it.
frr_directory=/var/cache/tospann-lab/frr

# FRR's daemons for the tests of the failover agent: unpacked, because the package brings a dozen routing daemons, users
# and a service. Only libraries that it misses are installed.
need_frr() {
  local new depends
  if [ ! -x "$frr_directory/usr/lib/frr/vrrpd" ]; then
    echo "unpacking: frr" >&2
    apt_update
    mkdir -p "${frr_directory%/*}"
    new=$(mktemp -d "$frr_directory.XXXXXX")
    if ! (cd "$new" && apt-get -qq -o APT::Sandbox::User=root download frr >&2 && dpkg-deb -x frr_*.deb . && dpkg-deb -f frr_*.deb Depends >depends); then
      rm -rf "$new"
      echo "cannot fetch the package frr, which the failover agent is tested against" >&2
      return 1
    fi
    rm -rf "$new"/frr_*.deb "$frr_directory"
    mv -T "$new" "$frr_directory"
  fi
  if frr_misses_library; then
    depends=$(tr ',' '\n' <"$frr_directory/depends" | sed -nE 's/^ *(lib[^ ]+).*/\1/p')
    # shellcheck disable=SC2086 # one package a word
    apt_install $depends
  fi
}

frr_misses_library() {
  local libraries
  libraries=$(echo "$frr_directory"/usr/lib/*/frr)
  [[ "$(LD_LIBRARY_PATH="$libraries" ldd "$frr_directory"/usr/lib/frr/{zebra,vrrpd})" == *"not found"* ]]
}

need_root() {
  if [ "$(id -u)" -ne 0 ]; then
    echo "this needs root: it makes network namespaces (try: sudo $0)" >&2
    exit 1
  fi
}

# The package lists are fetched once a shell, and only when something is missing.
apt_update() {
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
  if [ -z "${apt_lists_fresh:-}" ]; then
    "${as_root[@]}" apt-get -qq update >&2
    apt_lists_fresh=1
  fi
}

apt_install() {
  local as_root=() policy=/usr/sbin/policy-rc.d made= status=0
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
  echo "installing: $*" >&2
  apt_update
  # policy-rc.d is asked before a package starts its service: 101 says no. One that exists already is left alone.
  if [ ! -e "$policy" ]; then
    made=1
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install -y --no-install-recommends --no-upgrade "$@" >&2 || status=$?
  if [ -n "$made" ]; then "${as_root[@]}" rm -f "$policy"; fi
  return "$status"
}
