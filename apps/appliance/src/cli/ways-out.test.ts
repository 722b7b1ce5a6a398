// Nothing reaches a terminal but through exit.ts and log.ts: found by reading every source file of the program, and by
// giving each text of the command line words that would take a terminal over.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeStatus, PairStatus, ServerStatus } from '@tospann/api';
import { afterEach, expect, test, vi } from 'vitest';
import { renderEvent } from '../core/render-events.ts';
import { renderMaintenance, renderMove } from '../core/render-move.ts';
import { renderServers } from '../core/render-servers.ts';
import { renderStatus } from '../core/render-status.ts';
import { complain, out, outJson, say } from './exit.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** Writes to a terminal. */
const WRITES =
  /\b(?:process\.)?(?:stdout|stderr)\.(?:write|end)\(|\bconsole\.\w+\(|\bwriteSync\((?:1|2)\b|\bfd: [12]\b|\bnew Output\([12]\)/;
/** The ways out, and writes that are none: each with its reason. */
const KNOWN: Readonly<Record<string, string>> = {
  'apps/appliance/src/cli/exit.ts': 'the way out of the command line',
  'apps/appliance/src/log.ts': 'the way out of the log',
  'apps/appliance/src/main.ts': 'the end of a child that does not come up, through plainText',
  'apps/appliance/src/cli/tune-guard.ts': 'one fixed word to the process that started it',
};

test('no source file writes to a terminal past exit.ts and log.ts', () => {
  const found = sources().flatMap((file) => {
    const name = relative(root, file);
    return readFileSync(file, 'utf8').search(WRITES) !== -1 && KNOWN[name] === undefined ? [name] : [];
  });
  expect(found).toEqual([]);
  // The search itself sees: each of the known ones is found.
  for (const name of Object.keys(KNOWN))
    expect(readFileSync(join(root, name), 'utf8').search(WRITES), name).not.toBe(-1);
});

function sources(): readonly string[] {
  const rooms = ['apps/appliance/src', ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/src`)];
  return rooms
    .filter((room) => room !== 'packages/testing/src')
    .flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).map((name) => join(root, room, name)),
    )
    .filter((file) => /\.tsx?$/.test(file) && !/\.(test|bench|test-d)\.tsx?$/.test(file));
}

/** What a server that was taken over would say: a title, a cleared line, a line of its own, a turned direction. */
const EVIL = 'up\u001b]0;owned\u0007\u001b[2K\r\nFORGED all is well\u009b31m\u202egpj.exe ';
const LONG = 'x'.repeat(4000);

let written = '';
const grab = (text: unknown): boolean => ((written += String(text)), true);
afterEach(() => {
  vi.restoreAllMocks();
  written = '';
});

function printed(print: () => void): string {
  vi.spyOn(process.stdout, 'write').mockImplementation(grab);
  vi.spyOn(process.stderr, 'write').mockImplementation(grab);
  print();
  vi.restoreAllMocks();
  return written;
}

function expectHarmless(text: string): void {
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/);
  expect(text).not.toMatch(/^FORGED/m);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(4000);
}

const server: ServerStatus = {
  name: EVIL,
  address: EVIL,
  port: 80,
  state: 'up',
  sinceMs: 0,
  lastCheck: EVIL,
  checkDetail: `agent: ${EVIL}${LONG}`,
  weight: 1,
  currentSessions: 0,
  requestsTotal: 0,
  responsesTotal: [0, 0, 0, 0, 0],
  connectErrorsTotal: 0,
  responseErrorsTotal: 0,
  retriesTotal: 0,
  redispatchesTotal: 0,
  checkFailuresTotal: 0,
  bytesInTotal: 0,
  bytesOutTotal: 0,
};
const self: NodeStatus = {
  node: EVIL,
  cluster: EVIL,
  version: EVIL,
  configHash: EVIL,
  uptimeMs: 1,
  timeMs: 1,
  monotonicMs: 1,
  children: [{ name: EVIL, state: 'down', pid: 1, restartsTotal: 1, sinceMs: 0, detail: EVIL }],
  proxy: {
    engine: 'node',
    engineReason: EVIL,
    threads: 1,
    frontends: [],
    backends: [{ name: EVIL, servers: [server] }],
    latencyBoundsMs: [],
    latencyCounts: [],
    logLinesDroppedTotal: 0,
  },
  notices: [EVIL],
};
const pair: PairStatus = {
  self,
  peer: { name: EVIL, address: EVIL, reachable: false, lastSeenAgeMs: 1, error: EVIL },
  verdict: { level: 'ok', sentence: EVIL },
};
const move = { from: EVIL, to: EVIL, vips: [EVIL], durationMs: 1, detail: EVIL, notPromised: [EVIL] };
const event = {
  seq: 1,
  node: EVIL,
  timeMs: 1,
  monotonicMs: 1,
  event: EVIL,
  severity: 'info',
  text: `${EVIL}${LONG}`,
  evidence: { [EVIL]: `${EVIL}${LONG}` },
} as const;

test.each([
  ['status', () => out(renderStatus(pair))],
  ['servers list', () => out(renderServers({ node: EVIL, servers: [{ ...server, backend: EVIL }] }))],
  ['failover', () => out(renderMove(move))],
  ['maintenance', () => out(renderMaintenance({ node: EVIL, on: true, changed: true, moved: move }))],
  ['events', () => out(renderEvent(event, () => '12:00'))],
  ['a message', () => say(EVIL)],
  ['an error', () => complain({ code: 'LB_INTERNAL', message: 'Cannot go on: x', hint: EVIL })],
] as const)('%s shows hostile words as words: nothing acts, no line is forged, none is endless', (_name, print) => {
  expectHarmless(printed(print));
});

test('JSON carries every byte of a foreign text, and none that acts on a terminal', () => {
  const text = printed(() => outJson(pair));
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  expect(text.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  expect(JSON.parse(text)).toEqual(pair);
});
