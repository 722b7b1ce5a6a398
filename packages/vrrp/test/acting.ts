// For the tests of hooks, movers and the FIFO: a directory with scripts that write down what they were called with,
// events to tell, and waiting for what processes do.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentEvent, AgentReport } from '../src/core/agent-event.ts';

export class Desk implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'tospann-acting-'));
  readonly reports: AgentReport[] = [];

  /** Writes an executable shell script; `$LOG` in it is the file that `logged` reads. */
  script(name: string, body: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, `#!/bin/sh\nLOG=${join(this.directory, 'log')}\n${body}\n`, { mode: 0o755 });
    return path;
  }

  /** Lines that scripts have written down. */
  logged(): readonly string[] {
    const path = join(this.directory, 'log');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  }

  readonly report = (report: AgentReport): void => void this.reports.push(report);

  codes(): readonly unknown[] {
    return this.reports.map(({ evidence }) => evidence?.['code']);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function stateEvent(text: string, to = 'master'): AgentEvent {
  return {
    timeMs: 1_790_000_000_000,
    monotonicMs: 5,
    event: 'vrrp-state',
    severity: 'warning',
    vip: 'public',
    group: 'shop',
    text,
    evidence: { from: 'backup', to, reason: 'the owner fell silent', term: 7 },
  };
}

/** Polls; generous, for a machine that is busy. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const endsMs = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > endsMs) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether a process runs; one that waits to be reaped does not. */
export function runs(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
