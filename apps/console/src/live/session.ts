// The session with the node: whether there is one, opening it with the token, ending it. The cookie is out of this
// code's reach on purpose (HttpOnly).
import type { Problem, ServerChange, ServerChangeReport, SessionStatus } from '@tospann/api/contract';

/** What opening a session came to. */
export type LoginResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** What became of a change of a server. `isLast`: it was refused because nothing else of the backend takes traffic. */
export type ChangeResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly message: string; readonly isLast: boolean };

/** Asks whether there is a session; undefined when the node does not answer. */
export async function readSession(): Promise<SessionStatus | undefined> {
  try {
    const response = await fetch('/api/v1/session', { cache: 'no-store' });
    // The shape is this node's own answer to its own page.
    return response.ok ? ((await response.json()) as SessionStatus) : undefined;
  } catch {
    return undefined;
  }
}

/** Opens a session. */
export async function login(token: string): Promise<LoginResult> {
  try {
    const response = await fetch('/api/v1/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    if (response.ok) return { ok: true };
    const { title, hint } = (await response.json()) as Problem;
    return { ok: false, message: `${title}. ${hint}` };
  } catch {
    return { ok: false, message: 'The node does not answer. Is it running?' };
  }
}

/** Ends the session. */
export async function logout(): Promise<void> {
  await fetch('/api/v1/session', { method: 'DELETE' }).catch(() => undefined);
}

/** Says what is wanted of a server. What only this node did is a message too. */
export async function changeServer(
  target: { readonly backend: string; readonly server: string },
  change: ServerChange,
): Promise<ChangeResult> {
  const path = `${encodeURIComponent(target.backend)}/${encodeURIComponent(target.server)}`;
  try {
    const response = await fetch(`/api/v1/servers/${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(change),
    });
    if (!response.ok) {
      const { title, hint, code } = (await response.json()) as Problem;
      const isLast = code === 'LB_API_LAST_SERVER';
      return { ok: false, message: isLast ? `${title}.` : `${title}. ${hint}`, isLast };
    }
    const { peer } = (await response.json()) as ServerChangeReport;
    return peer === undefined || peer === 'done'
      ? { ok: true }
      : { ok: false, message: `On this node only: ${peer}.`, isLast: false };
  } catch {
    return { ok: false, message: 'The node does not answer. Look at the state before you ask again.', isLast: false };
  }
}
