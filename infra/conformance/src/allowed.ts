// Differences to HAProxy 2.6 that are meant, as data: what differs, where, and why. Anything else counts as a fault of
// ours until it is understood. In `kind` comes first what we do.
import type { Difference } from './compare.ts';

export interface AllowedDifference {
  /** What each of the two did. */
  readonly kind: RegExp;
  /** What the grammar says about the message. */
  readonly grammar: RegExp;
  /** Further condition on the client's bytes. */
  readonly text?: RegExp;
  readonly reason: string;
}

/** We refuse; HAProxy repairs, passes on, or gives another status. */
const REFUSED = /^answers (400|501|505), other (forwards|forwards what is invalid|says nothing|answers 4\d\d)$/;
const NOT_BOTH_400 = /^answers 501, other answers (400|422)$/;

export const allowedDifferences: readonly AllowedDifference[] = [
  // ---- we refuse what the grammar does not allow
  {
    kind: REFUSED,
    grammar: /^(request|field|chunk) line with bare LF$/,
    reason:
      'stricter: a line ends with CR LF; parsers that disagree about a bare LF see different messages (RFC 9112 section 2.2 lets a recipient choose)',
  },
  {
    kind: REFUSED,
    grammar: /^no CR LF after chunk data$/,
    reason: 'stricter: CR LF follows the data of a chunk (RFC 9112 section 7.1); HAProxy takes a bare LF',
  },
  {
    kind: REFUSED,
    grammar: /^(request|field|chunk) line with (NUL|a control character|bare CR)$/,
    reason:
      'stricter: NUL, CR and other control characters are dangerous in any field (RFC 9110 section 5.5); HAProxy passes them on',
  },
  {
    kind: REFUSED,
    grammar: /^field line$/,
    reason:
      'stricter: no obsolete line folding, no space before the colon, no other octet in a name (RFC 9112 section 5); HAProxy joins folded lines',
  },
  {
    kind: REFUSED,
    grammar: /^chunk line$/,
    reason:
      'stricter: hexadecimal digits and well-formed extensions only (RFC 9112 section 7.1); HAProxy takes trailing spaces and any extension',
  },
  {
    kind: REFUSED,
    grammar: /^([02-9]|\d\d+) Host fields$/,
    reason:
      'stricter: HTTP/1.1 has exactly one Host (RFC 9112 section 3.2); HAProxy passes none on, and joins two that are equal',
  },
  {
    kind: REFUSED,
    grammar: /^framing fields with Transfer-Encoding$/,
    reason:
      'stricter: Content-Length beside Transfer-Encoding, or several of the latter, may be smuggling (RFC 9112 section 6.3); HAProxy drops one of them',
  },
  {
    kind: REFUSED,
    grammar: /^(several Content-Length|Content-Length)$/,
    reason: 'stricter: one Content-Length with one number; HAProxy joins equal ones (RFC 9112 section 6.3 allows both)',
  },
  {
    kind: REFUSED,
    grammar: /^Transfer-Encoding$/,
    reason: 'stricter: the value is `chunked` and nothing else; HAProxy takes empty list members',
  },
  {
    kind: REFUSED,
    grammar: /^request line$/,
    reason:
      'stricter: one space, a target of visible ASCII, HTTP/1.0 or 1.1; HAProxy forwards other 1.x and 3.0 versions as 1.1',
  },
  {
    kind: NOT_BOTH_400,
    grammar: /./,
    text: /transfer-encoding/i,
    reason:
      'both refuse: a transfer coding that is not implemented is 501 (RFC 9112 section 6.1); HAProxy says 400 or 422',
  },
  {
    kind: /^answers 417, other answers 4\d\d$/,
    grammar: /./,
    text: /expect/i,
    reason: 'both refuse: of two faults we name the expectation',
  },
  // ---- we refuse what the grammar allows and meaning forbids
  {
    kind: REFUSED,
    grammar: /odd Host/,
    reason:
      'stricter: Host is a host and a port (RFC 9112 section 3.2); HAProxy passes userinfo, paths, lists and raw octets on',
  },
  {
    kind: REFUSED,
    grammar: /odd Connection/,
    reason:
      'stricter: Connection is a list of tokens (RFC 9110 section 7.6.1); what is meant to be removed must be readable',
  },
  {
    kind: REFUSED,
    grammar: /HTTP\/1\.0, Transfer-Encoding/,
    reason: 'stricter: Transfer-Encoding in HTTP/1.0 is faulty framing (RFC 9112 section 6.1)',
  },
  {
    kind: REFUSED,
    grammar: /framing or routing field as trailer/,
    reason:
      'stricter: framing and routing fields are no trailers (RFC 9110 section 6.5.1); HAProxy drops or forwards them',
  },
  {
    kind: REFUSED,
    grammar: /target is no path|CONNECT|fragment/,
    reason:
      'stricter: the target has one of the four forms (RFC 9112 section 3.2), CONNECT is no method of a reverse proxy, a fragment is never sent',
  },
  {
    kind: /^answers 417, other forwards$/,
    grammar: /./,
    text: /expect:/i,
    reason: 'stricter: an expectation that is not 100-continue is 417 (RFC 9110 section 10.1.1)',
  },
  {
    kind: /^forwards another set of trailers$/,
    grammar: /framing or routing field as trailer/,
    reason: 'fields that frame, route, authenticate or control are no trailers (RFC 9110 section 6.5.1) and end here',
  },
  // ---- both forward, and we write the message anew
  {
    kind: /^forwards another version \(1\.1, other 1\.0\)$/,
    grammar: /HTTP\/1\.0/,
    reason:
      'a proxy sends its own version (RFC 9110 section 2.5): the server is spoken to in HTTP/1.1; HAProxy passes 1.0 on',
  },
  {
    kind: /^forwards another (target|value of host)$/,
    grammar: /target is no path/,
    text: /^(\r\n)?[^ ]+ https?:\/\//i,
    reason:
      'absolute form: the server gets path and Host of the target (RFC 9112 section 3.2.2); HAProxy passes the absolute form on',
  },
  {
    kind: /^forwards, other answers 400$/,
    grammar: /./,
    text: /^(\r\n)?[^ ]+ https?:\/\//i,
    reason:
      'absolute form with another Host: a proxy ignores that Host (RFC 9112 section 3.2.2); HAProxy refuses where they differ',
  },
  {
    kind: /^forwards another set of fields: without /,
    grammar: /Connection names a field/,
    reason: 'a field that Connection names ends here (RFC 9110 section 7.6.1); HAProxy passes it on',
  },
  {
    kind: /^forwards another set of fields: without expect$/,
    grammar: /Expect/,
    reason: 'Expect: 100-continue of a request without a body has no meaning (RFC 9110 section 10.1.1) and ends here',
  },
  {
    kind: /^(forwards|says nothing), other forwards what is invalid$/,
    grammar: /^Content-Length$/,
    text: /content-length: *0\d/i,
    reason: 'Content-Length with leading zeros is written anew as the number that it is; HAProxy passes the text on',
  },
  {
    kind: /^forwards, other (forwards what is invalid|answers 400)$/,
    grammar: /^0 Host fields$/,
    text: / HTTP\/1\.0\r\n/,
    reason: 'HTTP/1.0 without Host gets the name of its server, as we speak HTTP/1.1 to it',
  },
  {
    kind: /^forwards, other forwards what is invalid$/,
    grammar: /^Transfer-Encoding$/,
    text: /transfer-encoding:[ \t]*chunked[ \t]*\r\n/i,
    reason:
      'a coding is named without regard to case (RFC 9112 section 7); we write it in lower case, HAProxy as it came',
  },
  {
    kind: /^forwards, other answers 413$/,
    grammar: /./,
    text: /^(\r\n)?(GET|HEAD|DELETE) [^ ]+ HTTP\/1\.0\r\n/,
    reason:
      'a body of a GET, HEAD or DELETE in HTTP/1.0 is sent on in HTTP/1.1 with its length, which is not ambiguous; HAProxy refuses it',
  },
];

/** The entry that allows a difference; undefined when none does. */
export function allowedDifference(difference: Difference): AllowedDifference | undefined {
  return allowedDifferences.find(
    ({ kind, grammar, text }) =>
      kind.test(difference.kind) &&
      grammar.test(difference.grammar) &&
      (text === undefined || text.test(difference.text)),
  );
}
