// The datagram prober of the failover bench: asks the floating address every 5 ms from start to end; what became of each
// datagram of a span is told afterwards. Not the echo servers' lifetimes: they are instruments and outlive the node.
import { tool, type LabNode, type LabProcess } from '@tospann/lab';

import type { Answer } from './failover-result.ts';

export const echoPort = 25_007;

export class UdpProbe {
  readonly #process: LabProcess;
  #answers: Answer[] = [];

  constructor(client: LabNode, target: string) {
    this.#process = client.spawnInstrument('udp-probe', tool('udp-echo', { target: `${target}:${echoPort}` }), {
      keepLines: 10,
      onLine: ({ json }) => {
        if (json?.['event'] === 'udp') this.#answers.push({ atMs: Number(json['atMs']), ok: json['ok'] === true });
      },
    });
  }

  async started(): Promise<void> {
    await this.#process.waitForEvent('ready');
  }

  /** What was asked within a span, in order; half a second after its end all is known. */
  answers(fromMs: number, toMs: number): readonly Answer[] {
    return this.#answers.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).toSorted((a, b) => a.atMs - b.atMs);
  }

  /** Forgets what was asked before a time. */
  forget(beforeMs: number): void {
    this.#answers = this.#answers.filter(({ atMs }) => atMs >= beforeMs);
  }
}

/** Starts the answering side on a node. */
export async function startEcho(node: LabNode): Promise<void> {
  const echo = node.spawnInstrument('udp-echo', tool('udp-echo', { echo: node.name, port: echoPort }));
  await echo.waitForEvent('ready');
}
