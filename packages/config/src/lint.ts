// Checks between fields: names that must exist, addresses that must differ, settings that cannot work together.
// Errors keep the configuration from being used; warnings are said and go on. Works on a draft, so it also runs on
// files in which the schema has found problems.
import type { RawMap } from './document.ts';
import { lintBackends } from './lint/backends.ts';
import { lintCluster } from './lint/cluster.ts';
import { lintElections } from './lint/elections.ts';
import { lintFailover } from './lint/failover.ts';
import { lintFeatures } from './lint/features.ts';
import { lintFrontends } from './lint/frontends.ts';
import { lintRules } from './lint/rules.ts';
import { lintSettings } from './lint/settings.ts';
import { readDraft } from './draft.ts';
import type { Finding } from './problem.ts';

/** Every problem between fields of a file. */
export function lint(root: RawMap): Finding[] {
  const draft = readDraft(root);
  return [
    ...lintCluster(draft),
    ...lintElections(draft),
    ...lintFailover(draft),
    ...lintFrontends(draft),
    ...lintRules(draft),
    ...lintBackends(draft),
    ...lintFeatures(draft),
    ...lintSettings(draft),
  ];
}
