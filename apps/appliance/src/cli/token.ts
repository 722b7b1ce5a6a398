// `tospann token`: the console's token. It follows from the cluster key, so it is the same on both nodes.
import { consoleToken, readOrCreateClusterKey } from '@tospann/api';
import { Exit, type ExitCode, out } from './exit.ts';

export function tokenCommand(options: { readonly stateDir: string }): ExitCode {
  out(consoleToken(readOrCreateClusterKey(options.stateDir).key));
  return Exit.ok;
}
