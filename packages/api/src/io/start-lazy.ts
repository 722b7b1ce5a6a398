// The door to startApi: the web server's modules are loaded when it is started, not when the package is imported, so
// that commands which only want a token or a schema start fast.
import type { ApiOptions, RunningApi } from './start-api.ts';

/**
 * Starts the admin API of one node. It resolves when the control socket is open and every TLS address was tried
 * once; an address that cannot be taken is logged (LB_API_LISTEN) and tried again every five seconds.
 *
 * @throws {TospannError} LB_API_SOCKET_IN_USE, LB_API_LISTEN (of the socket), LB_API_STATE_FILE.
 */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { openApi } = await import('./start-api.ts');
  return openApi(options);
}
