// The lab as a command:
//   node infra/lab/src/main.ts up               the pair's network with web servers, until Ctrl-C
//   node infra/lab/src/main.ts run COMMAND...   the same around one command; LAB_CLIENT, LAB_LB1, ... name the namespaces
//   node infra/lab/src/main.ts down             removes what a killed run left behind
import { spawnSync } from 'node:child_process';

import { startOrigin } from './instruments.ts';
import { createLab, type Lab } from './lab.ts';
import { removeStaleLabs } from './registry.ts';
import { PAIR_TOPOLOGY } from './topology.ts';

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function openLab(): Promise<Lab> {
  const lab = createLab(PAIR_TOPOLOGY);
  await Promise.all(['web1', 'web2'].map(async (name) => await startOrigin(lab.node(name))));
  return lab;
}

function describe(lab: Lab): void {
  for (const node of lab.nodes) {
    const addresses = node.spec.links.flatMap((link, index) =>
      link.addresses.map((address) => `eth${index} ${address}`),
    );
    print(`${node.name.padEnd(7)} ip netns exec ${node.namespace} bash    ${addresses.join(', ')}`);
  }
  print(`files   ${lab.folder}`);
}

async function up(): Promise<void> {
  await using lab = await openLab();
  describe(lab);
  print('Ctrl-C removes it.');
  // The web servers' pipes keep this process alive; a signal ends it and the lab with it.
  await new Promise<never>(() => undefined);
}

async function around(command: readonly string[]): Promise<number> {
  await using lab = await openLab();
  const names = lab.nodes.map((node) => [`LAB_${node.name.toUpperCase()}`, node.namespace] as const);
  const env = { ...process.env, LAB_FOLDER: lab.folder, ...Object.fromEntries(names) };
  const [file = '', ...args] = command;
  const result = spawnSync(file, args, { stdio: 'inherit', env });
  if (result.error !== undefined) print(`Cannot run ${file}: ${result.error.message}`);
  return result.status ?? 1;
}

const [verb = '', ...rest] = process.argv.slice(2);
switch (verb) {
  case 'up':
    await up();
    break;
  case 'run':
    process.exitCode = await around(rest);
    break;
  case 'down':
    for (const name of removeStaleLabs()) print(`removed ${name}`);
    break;
  default:
    print('usage: main.ts up | run COMMAND... | down');
    process.exitCode = 2;
}
