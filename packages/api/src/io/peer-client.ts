// One signed request to the peer's API: TLS without a trusted issuer, so the request's proof covers the certificate
// that TLS has shown, and the answer must prove the same certificate back. Always ends within its time-out.
import { Agent, request as httpsRequest } from 'node:https';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { problem } from '../contract.ts';
import { plainFingerprint } from './certificate.ts';
import { newNonce, peerFields, proveAnswer, proveRequest, sameProof } from './peer-proof.ts';

/** Where a peer is. */
export interface PeerAddress {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

export interface PeerClientOptions {
  readonly nodeName: string;
  readonly peer: PeerAddress;
  /** The key of the peer link, not the cluster key itself. */
  readonly key: Buffer;
  /** Wall clock in ms since 1970. */
  readonly wallMs: () => number;
}

/** What to ask. `timeoutMs` covers all: connection, TLS, request and the whole answer. */
export interface PeerQuestion {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly timeoutMs: number;
}

/** The answer of an authenticated peer; any status. */
export interface PeerReply {
  readonly status: number;
  readonly body: string;
}

// A pair with hundreds of servers answers with some 100 kB; more than this is not a status.
const answerLimitBytes = 4 * 1024 * 1024;

/** Asks one peer. Errors carry sentences for an operator: they are shown in the status. */
export class PeerClient {
  readonly #options: PeerClientOptions;
  // Sessions are not resumed: a resumed one may not show the certificate that the proof must cover.
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2, maxCachedSessions: 0, timeout: 5000 });

  constructor(options: PeerClientOptions) {
    this.#options = options;
  }

  /**
   * Asks and checks the answer's proof.
   *
   * @throws {Error} Whose message says in words why there is no trustworthy answer.
   */
  ask(question: PeerQuestion): Promise<PeerReply> {
    const { peer } = this.#options;
    return new Promise((resolve, reject) => {
      const request = httpsRequest({
        host: peer.address,
        port: peer.port,
        method: question.method,
        path: question.path,
        agent: this.#agent,
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
      });
      const timer = setTimeout(() => {
        request.destroy(new Error(`no answer within ${question.timeoutMs} ms`));
      }, question.timeoutMs);
      const fail = (error: unknown): void => {
        clearTimeout(timer);
        request.destroy();
        reject(error instanceof Error ? new Error(plainReason(error), { cause: error }) : new Error(String(error)));
      };
      request.on('error', fail);
      request.on('socket', (socket) => {
        whenSecure(socket, (fingerprint) => this.#send(request, question, fingerprint).then(resolve, fail));
      });
      request.on('close', () => clearTimeout(timer));
    });
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #send(request: ClientRequest, question: PeerQuestion, fingerprint: string): Promise<PeerReply> {
    const { nodeName, peer, key, wallMs } = this.#options;
    if (fingerprint === '') throw new Error('the peer showed no certificate');
    const body = question.body ?? '';
    const nonce = newNonce();
    const timeMs = wallMs();
    const covered = { method: question.method, path: question.path, from: nodeName, to: peer.name };
    request.setHeader(peerFields.from, nodeName);
    request.setHeader(peerFields.to, peer.name);
    request.setHeader(peerFields.timeMs, String(timeMs));
    request.setHeader(peerFields.nonce, nonce);
    request.setHeader(peerFields.proof, proveRequest(key, { ...covered, timeMs, nonce, fingerprint, body }));
    if (body !== '') request.setHeader('content-type', 'application/json');
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.once('error', reject);
    });
    request.end(body);
    const response = await answered;
    const text = await readBounded(response);
    const status = response.statusCode ?? 0;
    const proof = response.headers[peerFields.proof];
    if (typeof proof !== 'string') throw new Error(refusalReason(status, text));
    if (!sameProof(proof, proveAnswer(key, { nonce, fingerprint, status, body: text }))) {
      throw new Error('its answer is not authentic: it has another cluster key, or somebody is between the nodes');
    }
    return { status, body: text };
  }
}

function whenSecure(socket: Socket, then: (fingerprint: string) => void): void {
  if (!(socket instanceof TLSSocket)) return then('');
  const go = (): void => then(plainFingerprint(socket.getPeerCertificate().fingerprint256 ?? ''));
  if (socket.getProtocol() !== null && !socket.connecting) go();
  else socket.once('secureConnect', go);
}

async function readBounded(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes: unknown = chunk;
    if (!Buffer.isBuffer(bytes)) continue;
    size += bytes.length;
    if (size > answerLimitBytes) throw new Error(`its answer is larger than ${answerLimitBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** An answer without a proof cannot be trusted, but its reason helps the operator. */
function refusalReason(status: number, body: string): string {
  const parsed = problem.safeParse(parseJson(body));
  if (!parsed.success) return `HTTP ${status} came from something that is not a Tospann node of this cluster`;
  const { code, detail } = parsed.data;
  if (code === 'LB_API_PEER_KEY') return 'peer has another cluster key';
  if (code === 'LB_API_PEER_CLOCK') return `it refuses this node: ${detail}`;
  return `it refuses this node: ${code}`;
}

/** Parses JSON; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function plainReason(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection reset',
    EHOSTUNREACH: 'no route to the host',
    ENETUNREACH: 'no route to the network',
    ETIMEDOUT: 'connection timed out',
    EPIPE: 'connection closed',
  };
  return known[code] ?? error.message;
}
