// Runs nft(8) for the one table that is ours: the only child process that the tuner starts. Side effects: netfilter rules.
import { spawnSync } from 'node:child_process';
import { TospannError } from '@tospann/errors';
import { NOTRACK_TABLE, notrackObstacles, notrackRules, type NotrackFlows } from '../core/notrack.ts';
import type { RevertOutcome } from './revert.ts';
import type { SystemRoot } from './system-root.ts';

const LIMIT_MS = 10_000;

/**
 * Looks whether these connections may go untracked with the rules that are there.
 *
 * @returns The rules to load.
 * @throws {TospannError} LB_TUNER_NOTRACK_REFUSED with all reasons, LB_TUNER_NFT.
 */
export function checkNotrack(flows: NotrackFlows, root: SystemRoot): string {
  const ruleset: unknown = JSON.parse(nft(['-j', 'list', 'ruleset'], ''));
  const legacy = (root.read('/proc/net/ip_tables_names') ?? '').split('\n');
  const obstacles = notrackObstacles(ruleset, legacy);
  if (obstacles.length > 0) throw new TospannError('LB_TUNER_NOTRACK_REFUSED', { detail: obstacles.join('; ') });
  return notrackRules(flows);
}

/** Loads the rules. @throws {TospannError} LB_TUNER_NFT; then nothing has changed: nft takes a file as a whole. */
export function loadNotrack(rules: string): void {
  nft(['-f', '-'], rules);
}

/** Whether our table is there; false also where nft is missing. */
export function hasNotrack(): boolean {
  return spawnSync('nft', ['list', 'table', 'inet', NOTRACK_TABLE], { timeout: LIMIT_MS }).status === 0;
}

/** Removes our table. */
export function removeNotrack(root: SystemRoot): RevertOutcome {
  const what = `table inet ${NOTRACK_TABLE}`;
  if (!root.isMachine || !hasNotrack()) return { what, outcome: 'already', detail: 'it is not there' };
  try {
    nft(['delete', 'table', 'inet', NOTRACK_TABLE], '');
    return { what, outcome: 'restored', detail: 'removed' };
  } catch (error) {
    return { what, outcome: 'failed', detail: error instanceof Error ? error.message : String(error) };
  }
}

function nft(words: readonly string[], input: string): string {
  const { status, stdout, stderr, error } = spawnSync('nft', [...words], {
    input,
    encoding: 'utf8',
    timeout: LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw new TospannError('LB_TUNER_NFT', { detail: error.message }, { cause: error });
  if (status !== 0)
    throw new TospannError('LB_TUNER_NFT', { detail: (stderr || 'it failed').trim().split('\n')[0] ?? '' });
  return stdout;
}
