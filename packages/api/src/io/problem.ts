// Every error of the HTTP surface as problem+json (RFC 9457) with a code of the catalogue. What is not ours and not
// the client's fault is logged with its request id and answered without its text.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isTospannError, TospannError } from '@tospann/errors';
import type { Problem } from '../contract.ts';
import type { ApiLog } from './log.ts';

/** Content type of a problem. */
export const problemType = 'application/problem+json; charset=utf-8';

interface Judged {
  readonly error: TospannError;
  readonly status: number;
}

/** Answers a request with the problem that an error means. */
export function sendProblem(
  log: ApiLog,
  error: unknown,
  exchange: { request: FastifyRequest; reply: FastifyReply },
): void {
  const { request, reply } = exchange;
  const judged = judge(error, request);
  if (judged.error.code === 'LB_INTERNAL') {
    log.error({ code: 'LB_INTERNAL', requestId: request.id, url: request.url, err: error }, 'request failed');
  }
  const body: Problem = describe(judged, request.id);
  const wait = judged.error.params['waitSeconds'];
  if (wait !== undefined) void reply.header('retry-after', String(wait));
  if (judged.status === 401) void reply.header('www-authenticate', 'Bearer');
  // Text, not an object: no serializer of a route may touch it.
  void reply.code(judged.status).header('content-type', problemType).send(JSON.stringify(body));
}

function describe({ error, status }: Judged, requestId: string): Problem {
  return {
    type: `urn:tospann:error:${error.code}`,
    title: error.message,
    status,
    code: error.code,
    detail: detailOf(error),
    hint: error.hint,
    requestId,
  };
}

function detailOf(error: TospannError): string {
  const detail = error.params['detail'];
  return typeof detail === 'string' ? detail : error.message;
}

function judge(error: unknown, request: FastifyRequest): Judged {
  if (isTospannError(error)) return { error, status: error.status };
  const { code, statusCode } = fieldsOf(error);
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const known = new TospannError('LB_API_BODY_TOO_LARGE', { limitBytes: request.routeOptions.bodyLimit ?? 0 });
    return { error: known, status: known.status };
  }
  if (statusCode >= 400 && statusCode < 500) {
    const detail = error instanceof Error ? error.message : code;
    return { error: new TospannError('LB_API_BAD_REQUEST', { detail }), status: statusCode };
  }
  const detail = `an unexpected error, see the log under request ${request.id}`;
  return { error: new TospannError('LB_INTERNAL', { detail }), status: 500 };
}

function fieldsOf(error: unknown): { readonly code: string; readonly statusCode: number } {
  const fields: { code?: unknown; statusCode?: unknown } = typeof error === 'object' && error !== null ? error : {};
  return {
    code: typeof fields.code === 'string' ? fields.code : '',
    statusCode: typeof fields.statusCode === 'number' ? fields.statusCode : 500,
  };
}
