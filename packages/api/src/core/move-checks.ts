// What must be so before addresses are moved on purpose: all checks at once, each with what to do about it. Pure.
import type { NodeStatus, PairStatus } from '../contract.ts';
import { notReady } from './ready.ts';

/** A check that failed. */
export interface FailedCheck {
  readonly problem: string;
  readonly remedy: string;
}

export interface MoveNodes {
  readonly taker: NodeStatus;
  readonly giver: NodeStatus;
}

/** Checks of a planned move; empty: it may be done. */
export function failedChecks(nodes: MoveNodes): readonly FailedCheck[] {
  const { taker, giver } = nodes;
  const name = taker.node;
  const failed: FailedCheck[] = [...inability(taker)];
  if (taker.configHash !== giver.configHash) {
    const hashes = `${taker.configHash.slice(0, 12)} there, ${giver.configHash.slice(0, 12)} on ${giver.node}`;
    const remedy = 'give both nodes the same file and run "tospann reload"';
    failed.push({ problem: `${name} runs another configuration (${hashes})`, remedy });
  }
  const closed = missingListeners(nodes);
  if (closed.length > 0)
    failed.push({
      problem: `${name} does not listen on ${closed.join(', ')}`,
      remedy: `reload ${name} with the same file`,
    });
  return failed;
}

/** Why a node could not serve if the addresses came to it now. */
function inability(node: NodeStatus): readonly FailedCheck[] {
  const { node: name, vrrp } = node;
  const failed: FailedCheck[] = [];
  // In maintenance the agent stays out of the election: one line says so.
  const ready = vrrp?.maintenance === undefined ? notReady(node) : undefined;
  if (ready !== undefined) failed.push({ problem: ready, remedy: `look at "tospann status" on ${name}` });
  const { conditions = [], ability, abilityReason = '', maintenance } = vrrp ?? {};
  for (const condition of conditions) {
    if (condition.state !== 'failed' && condition.state !== 'impaired' && condition.state !== 'waiting') continue;
    const problem = `${condition.name} of ${name} is ${condition.state} (${condition.sentence})`;
    failed.push({ problem, remedy: `put that right on ${name} first` });
  }
  if (ability === 'no-live-server' && ready === undefined)
    failed.push({ problem: `${name} reaches no live server (${abilityReason})`, remedy: 'look at its servers' });
  if (maintenance !== undefined) {
    const why = maintenance.reason === '' ? '' : ` (${maintenance.reason})`;
    failed.push({ problem: `${name} is in maintenance${why}`, remedy: `run "tospann maintenance off" on ${name}` });
  }
  return failed;
}

/** What a move cannot promise, a sentence each: the new owner sends packets on, the old one answers them. */
export function openPromises({ taker, giver }: MoveNodes): readonly string[] {
  return [...new Set([...(taker.vrrp?.notPromised ?? []), ...(giver.vrrp?.notPromised ?? [])])];
}

/** The other node as it must be while this one is in maintenance; undefined: there is none that answers. */
export function takerFor({ peer }: PairStatus): NodeStatus | undefined {
  return peer?.reachable === true ? peer.status : undefined;
}

/** All failed checks in one text: one alone stays in its line, more get a line each. */
export function describeChecks(failed: readonly FailedCheck[]): string {
  const lines = failed.map(({ problem, remedy }) => `${problem}: ${remedy}`);
  return lines.length === 1
    ? (lines[0] ?? '')
    : `${lines.length} checks failed\n${lines.map((line) => `  - ${line}`).join('\n')}`;
}

function missingListeners({ taker, giver }: MoveNodes): readonly string[] {
  const there = new Set(bindsOf(taker));
  return taker.proxy === undefined || giver.proxy === undefined
    ? []
    : bindsOf(giver).filter((bind) => !there.has(bind));
}

function bindsOf(node: NodeStatus): readonly string[] {
  return (node.proxy?.frontends ?? []).flatMap(({ binds }) => binds);
}
