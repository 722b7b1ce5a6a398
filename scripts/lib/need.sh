# Sourced by the scripts. Installs Debian or Ubuntu packages that are missing, and nothing when none is: need_apt
# PACKAGE:COMMAND..., need_library PACKAGE SONAME. Services of these packages are not started by their installation.

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
  need_apt curl:curl haproxy:haproxy keepalived:keepalived nginx:nginx tcpdump:tcpdump wrk:wrk
  # Ubuntu has chromium as a snap only: without it the tests of the console in a browser are skipped, and say so.
  command -v chromium >/dev/null 2>&1 || apt_install chromium || echo "no chromium: browser tests will be skipped" >&2
}

need_root() {
  if [ "$(id -u)" -ne 0 ]; then
    echo "this needs root: it makes network namespaces (try: sudo $0)" >&2
    exit 1
  fi
}

apt_install() {
  local as_root=() policy=/usr/sbin/policy-rc.d made= status=0
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
  echo "installing: $*" >&2
  # The package lists are fetched once a shell, and only when something is missing.
  if [ -z "${apt_lists_fresh:-}" ]; then
    "${as_root[@]}" apt-get -qq update >&2
    apt_lists_fresh=1
  fi
  # policy-rc.d is asked before a package starts its service: 101 says no. One that exists already is left alone.
  if [ ! -e "$policy" ]; then
    made=1
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install -y --no-install-recommends "$@" >&2 || status=$?
  if [ -n "$made" ]; then "${as_root[@]}" rm -f "$policy"; fi
  return "$status"
}
