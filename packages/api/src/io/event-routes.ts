// GET /api/v1/events: the events of this node as JSON lines, on request without end. Each reader pulls at its own pace
// from the one list in memory; nothing is queued for it, so who reads slowly costs nobody anything.
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TospannError } from '@tospann/errors';
import { z } from 'zod';
import type { EventReader } from '../core/event-log.ts';
import type { EventStore } from './event-store.ts';
import type { ApiApp } from './listener.ts';

/** Most who follow at once, over all doors. */
const followersLimit = 32;
const eventsAtOnce = 64;
const lookAfterMs = 5000;
/** A follower that has not taken what waits for it for so long is cut off, ms. */
const stuckForMs = 150_000;

const query = z.object({
  since: z.coerce.number().int().optional(),
  follow: z.enum(['0', '1', 'true', 'false']).optional(),
  /** One or more, with commas. */
  kind: z.string().max(256).optional(),
});

/** The node behind the route. `events` absent: it keeps none. */
export interface EventNode {
  readonly events: EventStore | undefined;
}

/** Who may go on reading, asked every few seconds. */
export type IsAllowed = (request: FastifyRequest) => boolean;

/** Puts the route on a listener. */
export function addEventRoutes(app: ApiApp, { events }: EventNode, isAllowed: IsAllowed): void {
  if (events === undefined) return;
  let followers = 0;
  app.get('/api/v1/events', { schema: { querystring: query } }, (request, reply): FastifyReply => {
    const { since, follow, kind } = request.query;
    const kinds = (kind ?? '').split(',').filter((name) => name !== '');
    const follows = follow === '1' || follow === 'true';
    if (follows && followers >= followersLimit) throw new TospannError('LB_API_LIVE_FULL', { limit: followersLimit });
    const reader = events.reader({ ...(since === undefined ? {} : { since }), kinds });
    const stream = new EventStream({ events, reader, follows, isAllowed: () => isAllowed(request) });
    if (follows) {
      followers += 1;
      stream.once('close', () => (followers -= 1));
      // A quiet pair has no events for days: the kernel looks whether the other end lives.
      request.raw.socket.setTimeout(0);
      request.raw.socket.setKeepAlive(true, 30_000);
      // The head of the answer does not wait for the first event.
      reply.raw.once('pipe', () => reply.raw.flushHeaders());
    }
    return reply.header('cache-control', 'no-store').type('application/x-ndjson').send(stream);
  });
}

interface EventStreamOptions {
  readonly events: EventStore;
  readonly reader: EventReader;
  readonly follows: boolean;
  readonly isAllowed: () => boolean;
}

class EventStream extends Readable {
  readonly #options: EventStreamOptions;
  readonly #leave: () => void;
  readonly #timer: NodeJS.Timeout;
  #isWanted = false;
  #tookAtMs = performance.now();

  constructor(options: EventStreamOptions) {
    super();
    this.#options = options;
    this.#leave = options.follows ? options.events.follow(() => this.#pump()) : () => undefined;
    this.#timer = setInterval(() => this.#look(), lookAfterMs);
  }

  override _read(): void {
    this.#isWanted = true;
    this.#tookAtMs = performance.now();
    this.#pump();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearInterval(this.#timer);
    this.#leave();
    callback(error);
  }

  #pump(): void {
    const { reader, follows } = this.#options;
    while (this.#isWanted && !this.destroyed) {
      const lines = reader.next(eventsAtOnce);
      if (lines === undefined) {
        if (follows) return;
        this.push(null);
        this.#isWanted = false;
        return;
      }
      if (lines.length === 0) continue;
      this.#isWanted = false;
      // `push` may ask for more at once, through `_read`.
      this.push(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    }
  }

  #look(): void {
    const isStuck = !this.#isWanted && performance.now() - this.#tookAtMs > stuckForMs;
    if (isStuck || !this.#options.isAllowed()) this.destroy();
  }
}
