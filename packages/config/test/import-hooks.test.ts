// The hooks that notify lines of keepalived.conf become, run by a real shell: each calls its program at its own states and
// nodes alone, with keepalived's arguments.
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { importConfig, parseConfig, type HookConfig } from '../src/index.ts';

function instance(priority: number, notifies: string): string {
  return `vrrp_instance VI_1 {
interface eth0
virtual_router_id 51
priority ${priority}
${notifies}
virtual_ipaddress {
10.10.0.200/24
}
}`;
}

/** The hooks of a pair whose nodes have these lines. */
function hooksOf(first: string, second: string): readonly HookConfig[] {
  const keepalived = [instance(150, first), instance(100, second)].map((text, index) => ({
    file: `lb${index + 1}.conf`,
    text,
  }));
  const nodeAddresses = { lb1: '10.10.0.11', lb2: '10.10.0.12' };
  const haproxy = [
    {
      file: 'haproxy.cfg',
      text: 'frontend main\nbind *:80\ndefault_backend app\nbackend app\nserver web1 10.10.10.1:80',
    },
  ];
  const parsed = parseConfig(importConfig({ haproxy, keepalived, sysctl: [], nodeAddresses }).yaml, { file: 'new' });
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('; '));
  return parsed.config.events?.hooks ?? [];
}

/** What all hooks print about a change of state, as the agent calls them. */
function said(hooks: readonly HookConfig[], change: { node: string; vip: string; state: string }): string {
  const env = {
    PATH: '/usr/bin:/bin',
    TOSPANN_NODE: change.node,
    TOSPANN_VIP: change.vip,
    TOSPANN_STATE: change.state,
  };
  return hooks
    .map(({ call }) => {
      const [program = '', ...words] = call.run ?? [];
      const ran = spawnSync(program, words, { env, encoding: 'utf8', input: '{}' });
      expect(ran.status, ran.stderr).toBe(0);
      return ran.stdout;
    })
    .join('');
}

const same = `notify_master "/bin/echo 'the VIP' is here"
notify_stop "echo stopped"
notify "/bin/echo any"`;

test('hooks of an import call the programs of both nodes at their states, with the arguments of keepalived', () => {
  const hooks = hooksOf(same, same);
  expect(hooks).toHaveLength(3);
  const at = (node: string, state: string, vip = 'VI_1'): string => said(hooks, { node, vip, state });
  expect(at('lb1', 'MASTER')).toBe('the VIP is here\nany INSTANCE VI_1 MASTER 150\n');
  expect(at('lb2', 'BACKUP')).toBe('any INSTANCE VI_1 BACKUP 100\n');
  expect(at('lb2', 'INIT')).toBe('stopped\nany INSTANCE VI_1 STOP 100\n');
  expect(at('lb1', 'MASTER', 'another')).toBe('');
});

test('hooks of an import run on their own node where the two files differ', () => {
  const hooks = hooksOf('notify_fault "/bin/echo one; true"', 'notify_fault "/bin/echo two"');
  expect(hooks).toHaveLength(2);
  expect(said(hooks, { node: 'lb1', vip: 'VI_1', state: 'FAULT' })).toBe('one\n');
  expect(said(hooks, { node: 'lb2', vip: 'VI_1', state: 'FAULT' })).toBe('two\n');
});
