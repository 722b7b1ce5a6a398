// The block `authentication` of one VRRP router: the password of version 2 where the files write that version out, signed
// adverts for auth_hmac, and why the rest is left out. The password goes into the new file and nowhere else.
import type { ConfigProblem } from '../problem.ts';
import { agree, type Pair } from './keepalived-pairs.ts';
import type { FlowValue } from './pair-draft.ts';
import type { Answer, ImportReport } from './report.ts';

export interface AuthDecision {
  /** `auth` of the new file. */
  readonly written: (isTwo: boolean) => FlowValue | undefined;
  /** Answers the lines of the blocks. */
  readonly answer: (isTwo: boolean) => void;
  /** Answers them when another instance decides for the election. */
  readonly answerOther: (of: string) => void;
  readonly problems: readonly ConfigProblem[];
}

/** keepalived uses no more, as the field of VRRPv2 has no more. */
const passwordBytes = 8;

const NO_PASSWORD =
  'VRRP version 3 has no passwords (RFC 9568, section 9): they were sent in clear text; auth: cluster signs adverts, version: 2 with auth: { type: password } is for an old peer';
const NO_AH =
  'AH is not sent, and VRRP has none since 2004 (RFC 3768): auth: cluster on a version 3 election signs each advert, on both nodes';
const HMAC =
  'auth: cluster, the same signatures with a key made from the cluster key; beside a keepalived write its keys: auth: { type: hmac, keys: [{ id: 1, file: ... }] }';

/** Reads both nodes' blocks. */
export function decideAuth(pair: Pair, report: ImportReport): AuthDecision {
  const types = pair.members.map(({ instance }) => instance.auth.type?.value);
  const password = agree(pair, report, {
    key: 'auth',
    what: 'auth_pass',
    of: ({ instance }) => instance.auth.password,
    secret: true,
  });
  const lines = pair.members.flatMap(({ instance }) => instance.auth.lines);
  const secretLines = password.said.map(({ line }) => line);
  const type = types.find((one) => one !== undefined);
  const secret = password.value ?? '';
  const written = (isTwo: boolean): FlowValue | undefined => {
    if (type === 'HMAC' && !isTwo) return 'cluster';
    if (!isTwo || type === 'AH' || password.said.length === 0) return undefined;
    return { type: 'password', password: usable(secret, password.isDisputed) };
  };
  const answer = (isTwo: boolean): void => {
    for (const line of lines) {
      const target = `vips.${pair.name}.auth`;
      report.answer(line, { ...answerOf(type, isTwo, secretLines.includes(line)), target });
    }
  };
  const answerOther = (of: string): void => {
    const why = `one election has one auth, that of ${of}`;
    for (const line of lines) report.answer(line, { verdict: 'changed', why, target: `vips.${pair.name}.auth` });
  };
  return { written, answer, answerOther, problems: password.problems };
}

function usable(secret: string, isDisputed: boolean): string {
  if (isDisputed) return 'FILL-IN-the-password';
  // Bytes beyond the eighth are not sent; a password that the new file cannot have is left to a person.
  const sent = secret.slice(0, passwordBytes);
  return /^[!-~]{1,8}$/.test(sent) && !sent.startsWith('FILL-IN') ? sent : 'FILL-IN-the-password';
}

function answerOf(type: string | undefined, isTwo: boolean, isSecret: boolean): Answer {
  if (type === 'AH') return { verdict: 'refused', why: NO_AH };
  if (type === 'HMAC') {
    if (!isTwo) return { verdict: 'changed', why: HMAC };
    return {
      verdict: 'refused',
      why: 'signed adverts need version 3: remove the version on both nodes, write auth: cluster',
    };
  }
  if (!isTwo) return { verdict: 'refused', why: isSecret ? `${NO_PASSWORD}; the password is not copied` : NO_PASSWORD };
  const why = 'the password of version 2, which goes over the network as it is: against mistakes only';
  return { verdict: 'taken', why: isSecret ? `${why}; the new file has its first ${passwordBytes} characters` : why };
}
