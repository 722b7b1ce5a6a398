// The watch over the peer: asks for its status once a second, one question at a time, and remembers the last good
// answer. It never piles up: the next question waits for the end of the one before.
import type { ApiLog } from './log.ts';
import {
  failoverReport,
  nodeStatus,
  problem,
  type FailoverReport,
  type NodeStatus,
  type PeerStatus,
  type ServerOrder,
} from '../contract.ts';
import { FOREIGN_TEXT_LIMIT, plainData, plainText, TospannError } from '@tospann/errors';
import { parseJson, PeerClient, type PeerAddress } from './peer-client.ts';

export interface PeerLinkOptions {
  readonly nodeName: string;
  readonly peer: PeerAddress;
  readonly key: Buffer;
  readonly log: ApiLog;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  /** @default 1000 */
  readonly intervalMs?: number;
}

const askTimeoutMs = 1000;
const changeTimeoutMs = 5000;
// A planned hand-over waits for the first advert of the other node: minutes at the slowest allowed interval.
const failoverTimeoutMs = 125_000;
// One lost answer is not an absence; two and a half seconds of silence are.
const silenceMs = 2500;

/** Knows one peer. */
export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #client: PeerClient;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #lastSeenMs: number | undefined;
  #lastStatus: NodeStatus | undefined;
  #error: string | undefined = 'not asked yet';
  #reportedError: string | undefined;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.#client = new PeerClient(options);
  }

  /** Starts asking. */
  start(): void {
    void this.#round();
  }

  /** Stops asking and closes the connection. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#client.close();
  }

  /** What is known now. */
  status(): PeerStatus {
    const { peer, nowMs } = this.#options;
    const age = this.#lastSeenMs === undefined ? -1 : nowMs() - this.#lastSeenMs;
    const reachable = age >= 0 && age <= silenceMs;
    return {
      name: peer.name,
      address: `${peer.address}:${peer.port}`,
      reachable,
      lastSeenAgeMs: age,
      ...(reachable || this.#error === undefined ? {} : { error: this.#error }),
      ...(this.#lastStatus === undefined ? {} : { status: this.#lastStatus }),
    };
  }

  /**
   * Asks the peer to give its addresses up to this node.
   *
   * @throws {TospannError} LB_API_FAILOVER_REFUSED with the peer's reason.
   */
  async askFailover({ to, force }: { readonly to: string; readonly force: boolean }): Promise<FailoverReport> {
    const body = JSON.stringify({ to, ...(force ? { force } : {}) });
    const refuse = (detail: string): TospannError => new TospannError('LB_API_FAILOVER_REFUSED', { to, detail });
    let reply;
    try {
      reply = await this.#client.ask({
        method: 'POST',
        path: '/api/v1/node/failover',
        body,
        timeoutMs: failoverTimeoutMs,
      });
    } catch (error) {
      throw refuse(`"${this.#options.peer.name}" gave no answer (${messageOf(error)})`);
    }
    const content = parseJson(reply.body);
    const report = reply.status === 200 ? failoverReport.safeParse(content) : undefined;
    if (report?.success) return report.data;
    const refusal = problem.safeParse(content);
    throw refuse(refusal.success ? refusal.data.detail : `"${this.#options.peer.name}" answered HTTP ${reply.status}`);
  }

  /** Asks the peer how it is now; undefined: no answer. */
  async freshStatus(): Promise<NodeStatus | undefined> {
    try {
      return await this.#askStatus();
    } catch {
      return undefined;
    }
  }

  /** Asks the peer to change a server as this node did. Says how it went: `done`, or why not. */
  async askServerChange(order: ServerOrder): Promise<string> {
    const { name } = this.#options.peer;
    try {
      const body = JSON.stringify(order);
      const path = '/api/v1/node/servers';
      const reply = await this.#client.ask({ method: 'POST', path, body, timeoutMs: changeTimeoutMs });
      if (reply.status === 200) return 'done';
      const refusal = problem.safeParse(parseJson(reply.body));
      return `${name} refused: ${refusal.success ? refusal.data.title : `HTTP ${reply.status}`}`;
    } catch (error) {
      return `${name} gave no answer (${messageOf(error)})`;
    }
  }

  async #round(): Promise<void> {
    const { nowMs, intervalMs = 1000 } = this.#options;
    const startedMs = nowMs();
    try {
      this.#lastStatus = await this.#askStatus();
      this.#lastSeenMs = nowMs();
      this.#error = undefined;
    } catch (error) {
      this.#error = plainText(messageOf(error), FOREIGN_TEXT_LIMIT);
    }
    this.#report();
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#round(), Math.max(50, intervalMs - (nowMs() - startedMs)));
  }

  async #askStatus(): Promise<NodeStatus> {
    const reply = await this.#client.ask({ method: 'GET', path: '/api/v1/node', timeoutMs: askTimeoutMs });
    if (reply.status !== 200) throw new Error(`it answered HTTP ${reply.status}`);
    const parsed = nodeStatus.safeParse(parseJson(reply.body));
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new Error(`its status is of another version: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
    }
    if (parsed.data.node !== this.#options.peer.name) throw new Error(`its name is "${parsed.data.node}" there`);
    return plainData(parsed.data);
  }

  /** Logs a change of the link, not each second of it. */
  #report(): void {
    if (this.#error === this.#reportedError || this.#stopped) return;
    this.#reportedError = this.#error;
    const fields = { event: 'peer-link', peer: this.#options.peer.name };
    if (this.#error === undefined) this.#options.log.info(fields, 'peer answers');
    else this.#options.log.warn({ ...fields, reason: this.#error }, 'peer does not answer');
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
