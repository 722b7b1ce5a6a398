// The FIFO with real readers: none, late, slow, dead. Each write returns at once, whatever the reader does.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, constants, lstatSync, openSync, readFileSync, readSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GroupConfig } from '@tospann/config';
import type { TospannError } from '@tospann/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Desk, until } from '../../../test/acting.ts';
import { NotifyLines } from '../../core/notify-lines.ts';
import { NotifyFifo } from './notify-fifo.ts';

let desk: Desk;
let path: string;
let problems: TospannError[];
let fifo: NotifyFifo | undefined;
let readers: ChildProcess[];

beforeEach(() => {
  desk = new Desk();
  path = join(desk.directory, 'notify');
  problems = [];
  readers = [];
});
afterEach(() => {
  for (const reader of readers) reader.kill('SIGKILL');
  fifo?.close();
  fifo = undefined;
  desk[Symbol.dispose]();
});

test('the FIFO is made when it is missing, for its owner only', () => {
  open();
  expect(lstatSync(path).isFIFO()).toBe(true);
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
  expect(problems).toEqual([]);
});

test('without a reader lines are gone; a reader that comes late gets those from then on', async () => {
  const made = open();
  for (let i = 0; i < 5000; i++) made.write(`INSTANCE "early" MASTER ${i}\n`);
  const heard = read();
  await until('the reader', () => {
    made.write('INSTANCE "public" BACKUP 100\n');
    return heard.text().includes('BACKUP');
  });
  made.write('INSTANCE "public" MASTER 100\n');
  await until('the line', () => heard.text().includes('MASTER'));
  expect(heard.text()).not.toContain('early');
  expect(problems).toEqual([]);
});

test('a reader that dies holds nothing up, and the next one is served', async () => {
  const made = open();
  const first = read();
  await until('the first reader', () => {
    made.write('INSTANCE "a" MASTER 1\n');
    return first.text() !== '';
  });
  first.process.kill('SIGKILL');
  await until('its end', () => first.process.signalCode !== null);
  for (let i = 0; i < 100; i++) made.write('INSTANCE "nobody" MASTER 1\n');
  const second = read();
  await until('the second reader', () => {
    made.write('INSTANCE "b" MASTER 1\n');
    return second.text().includes('"b"');
  });
  expect(second.text()).not.toContain('nobody');
});

test('a reader that does not read loses the oldest lines that the kernel does not hold, is told of, and then gets on', async () => {
  const made = open();
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const lines = Array.from({ length: 6000 }, (_, i) => `INSTANCE "public" MASTER ${i}\n`);
  for (const line of lines) made.write(line);
  expect(problems.map(({ code }) => code)).toEqual(['LB_VRRP_FIFO_DROPPED']);
  let text = '';
  const part = Buffer.alloc(8192);
  await until('the newest line', () => {
    for (;;) {
      try {
        const got = readSync(fd, part);
        text += part.toString('utf8', 0, got);
      } catch {
        return text.includes(lines.at(-1) ?? '');
      }
    }
  });
  closeSync(fd);
  const numbers = text
    .trimEnd()
    .split('\n')
    .map((line) => Number(/^INSTANCE "public" MASTER (\d+)$/.exec(line)?.[1]));
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect(numbers[0]).toBe(0);
  expect(numbers.at(-1)).toBe(5999);
  // Every line was read or counted.
  expect(Number(problems.at(-1)?.params['dropped']) + numbers.length).toBe(6000);
});

test('anything else than a FIFO is refused and left as it is', () => {
  writeFileSync(path, 'important');
  const made = open();
  for (let i = 0; i < 10; i++) made.write('INSTANCE "public" MASTER 1\n');
  expect(readFileSync(path, 'utf8')).toBe('important');
  expect(problems.map(({ code }) => code)).toEqual(['LB_VRRP_FIFO_UNUSABLE']);
  const link = join(desk.directory, 'link');
  symlinkSync(path, link);
  const linked = new NotifyFifo({ path: link, problem: (error) => problems.push(error) });
  linked.write('INSTANCE "public" MASTER 1\n');
  expect(readFileSync(path, 'utf8')).toBe('important');
  const nowhere = new NotifyFifo({ path: join(desk.directory, 'no/dir'), problem: (error) => problems.push(error) });
  nowhere.write('INSTANCE "public" MASTER 1\n');
  expect(problems).toHaveLength(3);
});

test('lines are those of keepalived: a group is in a state once all its addresses are', () => {
  const group = { name: 'shop', vips: ['v4', 'v6'], priorities: { lb1: 150 } } as unknown as GroupConfig;
  const alone = { name: 'alone', vips: ['alone'], priorities: { lb1: 100 }, owner: 'lb1' } as unknown as GroupConfig;
  const notify = new NotifyLines([group, alone], 'lb1');
  const evidence = { ability: 'serves' };
  expect(notify.of({ vip: 'v4', group: 'shop', to: 'backup', evidence })).toBe('INSTANCE "v4" BACKUP 150\n');
  expect(notify.of({ vip: 'v6', group: 'shop', to: 'backup', evidence })).toBe(
    'INSTANCE "v6" BACKUP 150\nGROUP "shop" BACKUP 150\n',
  );
  expect(notify.of({ vip: 'v4', group: 'shop', to: 'fault', evidence })).toBe('INSTANCE "v4" FAULT 150\n');
  expect(notify.of({ vip: 'v6', group: 'shop', to: 'fault', evidence })).toContain('GROUP "shop" FAULT 150\n');
  const lastResort = { ability: 'no-live-server' };
  expect(notify.of({ vip: 'v4', group: 'shop', to: 'master', evidence: lastResort })).toBe('INSTANCE "v4" MASTER 1\n');
  expect(notify.of({ vip: 'alone', group: 'alone', to: 'init', evidence })).toBe('INSTANCE "alone" STOP 255\n');
});

function open(): NotifyFifo {
  fifo = new NotifyFifo({ path, problem: (error) => problems.push(error) });
  return fifo;
}

function read(): { readonly process: ChildProcess; readonly text: () => string } {
  const process = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'] });
  readers.push(process);
  let text = '';
  process.stdout.on('data', (part: Buffer) => (text += part.toString()));
  return { process, text: () => text };
}
