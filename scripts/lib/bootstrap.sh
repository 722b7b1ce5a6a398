# Sourced by the scripts beside it. Brings what the checkout needs and nothing else: a starter Node with npm
# where the machine has none (apt), pnpm, and through it every dependency, Node 26 among them (registry).
# After it, PATH begins with the checkout's own tools.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
. scripts/lib/need.sh

export TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1 COREPACK_ENABLE_STRICT=0 npm_config_update_notifier=false
pnpm_version=12.21.0

pnpm() { npx --yes "pnpm@$pnpm_version" "$@"; }

bootstrap() {
  need_apt git:git nodejs:node npm:npx binutils:strip
  need_library libatomic1 libatomic.so.1 # official Node builds link it; Debian does not install it by itself
  local stamp=node_modules/.tospann-lock
  if ! cmp -s pnpm-lock.yaml "$stamp" || ! [ -x node_modules/.bin/pnpm ]; then
    pnpm install --frozen-lockfile --reporter=silent </dev/null
    # turbo wants to find pnpm by name; its own package cannot be a dependency, because it needs an install script.
    ln -sf "$(npx --yes --package "pnpm@$pnpm_version" -c 'command -v pnpm')" node_modules/.bin/pnpm
    cp pnpm-lock.yaml "$stamp"
  fi
  PATH="$root/node_modules/.bin:$PATH"
}
