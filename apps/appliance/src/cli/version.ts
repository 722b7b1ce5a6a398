// `tospann version`: what runs here, for a bug report.
import { version } from '../version.ts';
import { Exit, type ExitCode, out, outJson } from './exit.ts';

export function versionCommand(options: { readonly json?: boolean }): ExitCode {
  const facts = {
    version,
    node: process.versions.node,
    v8: process.versions.v8,
    openssl: process.versions.openssl,
    arch: process.arch,
  };
  if (options.json === true) outJson(facts);
  else out(`tospann ${version} (node ${facts.node}, ${facts.arch})`);
  return Exit.ok;
}
