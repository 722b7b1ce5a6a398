// The set-up that the product replaces, in the same lab: Debian's keepalived and haproxy on both nodes, as the founding
// article has them, with a real check of the listener in place of `killall -0`. For comparisons and as the other node.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { pause } from './clock.ts';
import type { Lab, LabNode } from './lab.ts';
import type { LabProcess } from './process.ts';
import { NODE_ADDRESSES, VIP, type PairNodeName } from './topology.ts';

export interface KeepalivedOptions {
  readonly priority: number;
  /** Seconds, as keepalived writes it: `1`, `0.2`. */
  readonly advertInterval: string;
  /** Adverts that must be missed. @default 3 */
  readonly downTimerAdverts?: number;
  /** Addresses beside the floating one. */
  readonly moreAddresses?: readonly string[];
}

/** Starts keepalived (VRRPv3, unicast) on a node and returns once it is BACKUP. */
export async function startKeepalived(lab: Lab, name: PairNodeName, options: KeepalivedOptions): Promise<LabProcess> {
  const peer = name === 'lb1' ? 'lb2' : 'lb1';
  const file = join(lab.folder, `${name}-keepalived.conf`);
  writeFileSync(
    file,
    `global_defs {
  vrrp_version 3
  script_user root
}
vrrp_script serves {
  script "/usr/bin/curl -s -m 1 -o /dev/null http://127.0.0.1/"
  interval 2
  fall 1
  rise 1
  weight -100
}
vrrp_instance VI_1 {
  interface eth0
  state BACKUP
  virtual_router_id 51
  priority ${options.priority}
  advert_int ${options.advertInterval}
  unicast_src_ip ${NODE_ADDRESSES[name]}
  unicast_peer { ${NODE_ADDRESSES[peer]} }
  down_timer_adverts ${options.downTimerAdverts ?? 3}
  virtual_ipaddress { ${[VIP, ...(options.moreAddresses ?? [])].map((address) => `${address}/32`).join(' ')} }
  track_script { serves }
}
`,
  );
  const [pidFile, vrrpPidFile] = ['keepalived', 'vrrp'].map((of) => join(lab.folder, `${name}-${of}.pid`)) as [
    string,
    string,
  ];
  // One that was killed leaves its files, and another process may have its number by now: it would not start.
  for (const left of [pidFile, vrrpPidFile]) rmSync(left, { force: true });
  const pidFiles = ['-p', pidFile, '-r', vrrpPidFile];
  const command = ['keepalived', '-n', '-l', '-D', '-P', ...pidFiles, '-f', file];
  const process = lab.node(name).spawn('keepalived', command);
  await process.waitForLine('BACKUP', (line) => /Entering BACKUP STATE/.test(line.text), { timeoutMs: 5_000 });
  return process;
}

/** Starts haproxy on a node with the article's proxy settings that today's HAProxy still takes. */
export async function startHaproxy(lab: Lab, node: LabNode): Promise<LabProcess> {
  const file = join(lab.folder, `${node.name}-haproxy.cfg`);
  writeFileSync(
    file,
    `defaults
  mode http
  option http-server-close
  option forwardfor except 127.0.0.0/8
  option redispatch
  retries 3
  timeout http-request 10s
  timeout queue 1m
  timeout connect 10s
  timeout client 1m
  timeout server 1m
  timeout http-keep-alive 10s
frontend main
  bind *:80
  default_backend app
backend app
  balance roundrobin
  cookie SERVERID insert indirect nocache
  server web1 10.10.10.1:80 check cookie s1
  server web2 10.10.10.2:80 check cookie s2
`,
  );
  const process = node.spawn('haproxy', ['haproxy', '-db', '-f', file]);
  await pause(100);
  if (!process.running) throw new Error(`Cannot start haproxy:\n${process.tail()}`);
  return process;
}
