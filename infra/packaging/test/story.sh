#!/bin/bash
# Runs as root in a container that has booted: what an administrator does with the package, and what is left of it. Prints
# `key: value` lines for package.test.ts. Not for a machine that somebody uses.
say() { echo "$1: $(echo "${*:2}" | tr '\n' ' ' | sed 's/ *$//')"; }
until_says() { for _ in $(seq 300); do [ "$($2 2>/dev/null)" = "$1" ] && return; sleep 0.1; done; }
arp() { cat /proc/sys/net/ipv4/conf/eth9/arp_ignore; }
owns() { ip -br address show dev eth9 | grep -o 192.168.77.200; }
pid() { systemctl show --property MainPID --value tospann; }

ip link add eth9 type veth peer name eth8
ip address add 192.168.77.11/24 dev eth9
ip link set eth9 up
ip link set eth8 up
hostname lb1
before=$(sysctl -a 2>/dev/null | grep -E '^net\.' | grep -v -E 'eth[89]|random|route\.|neigh|nf_conntrack_count|fib_' | sort)

dpkg -i /package/tospann_*.deb >/dev/null
say installed-starts-nothing "$(systemctl is-active tospann)"
cat >/etc/tospann/tospann.yaml <<'Y'
version: 1
cluster:
  name: shop
  nodes: { lb1: { address: 192.168.77.11, interface: eth9 }, lb2: { address: 192.168.77.12, interface: eth9 } }
vips: { public: { address: 192.168.77.200/24, routerId: 51, advertInterval: 100ms } }
frontends: { main: { bind: ["*:8080"], defaultBackend: app } }
backends: { app: { servers: { web1: { address: "127.0.0.1:8081" } } } }
admin: { bind: ["192.168.77.11:9443", "192.168.77.12:9443"] }
Y
systemctl enable --now tospann 2>/dev/null
until_says 192.168.77.200 owns
say owns "$(owns)"
tospann tune apply >/dev/null

# More kills than systemd's own limit of starts allows.
for _ in $(seq 8); do
  old=$(pid)
  kill -9 "$old"
  for _ in $(seq 100); do new=$(pid); [ "$new" != 0 ] && [ "$new" != "$old" ] && break; sleep 0.1; done
done
until_says active "systemctl is-active tospann"
say after-eight-kills "$(systemctl is-active tospann)"
until_says 192.168.77.200 owns
say owns-again "$(owns)"
say arp-while-running "$(arp)"

dpkg -r tospann >/dev/null
say removed-runs "$(pgrep --exact tospann || echo no)"
say removed-owns "$(owns || echo no)"
say removed-arp "$(arp)"
after=$(sysctl -a 2>/dev/null | grep -E '^net\.' | grep -v -E 'eth[89]|random|route\.|neigh|nf_conntrack_count|fib_' | sort)
say removed-settings "$(diff <(echo "$before") <(echo "$after") || true)"
say removed-keeps "$(cd /var/lib/tospann && ls cluster.key; cd /etc/tospann && ls tospann.yaml)"

dpkg -P tospann >/dev/null
say purged "$(ls -d /var/lib/tospann /etc/tospann /etc/sysctl.d/60-tospann.conf /etc/modules-load.d/60-tospann.conf 2>/dev/null || true)"
echo end: reached
