// One rule of the file to the rules of the model: an action on several headers becomes one rule for each.
import type { ActionConfig, RuleConfig, TemplateConfig } from '../model.ts';
import type { ConfigFile } from '../schema.ts';
import { entries, present } from './shape.ts';

type RuleInput = ConfigFile['frontends'][string]['rules'][number];
type Fields = Readonly<Record<string, TemplateConfig>> | undefined;

/** Makes the rules of one entry of `rules`. */
export function buildRule(rule: RuleInput): RuleConfig[] {
  const actions = [...deciding(rule), ...changingRequest(rule), ...changingAnswer(rule)];
  return actions.map((action) => present({ if: rule.if, action }));
}

function deciding(rule: RuleInput): ActionConfig[] {
  const { use, deny, redirect, tarpit } = rule;
  const actions: ActionConfig[] = [];
  if (use !== undefined) {
    actions.push(
      'map' in use ? { type: 'use-map', map: use.map, key: use.key } : { type: 'use', backend: use.backend },
    );
  }
  if (deny !== undefined) actions.push({ type: 'deny', status: deny });
  if (redirect !== undefined) actions.push({ type: 'redirect', ...present(redirect) });
  if (rule.return !== undefined) actions.push({ type: 'return', ...rule.return, body: rule.return.body ?? '' });
  if (tarpit !== undefined) actions.push({ type: 'tarpit', status: tarpit.status, delayMs: tarpit.delay });
  if (rule.silentDrop !== undefined) actions.push({ type: 'silent-drop' });
  return actions;
}

function changingRequest(rule: RuleInput): ActionConfig[] {
  return [
    ...withValues('set-header', rule.setHeader),
    ...withValues('add-header', rule.addHeader),
    ...(rule.removeHeader ?? []).map((name): ActionConfig => ({ type: 'remove-header', name })),
    ...(rule.setPath === undefined ? [] : [{ type: 'set-path', path: rule.setPath } as const]),
    ...(rule.replacePrefix === undefined ? [] : [{ type: 'replace-prefix', ...rule.replacePrefix } as const]),
  ];
}

function changingAnswer(rule: RuleInput): ActionConfig[] {
  return [
    ...withValues('set-response-header', rule.setResponseHeader),
    ...withValues('add-response-header', rule.addResponseHeader),
    ...(rule.removeResponseHeader ?? []).map((name): ActionConfig => ({ type: 'remove-response-header', name })),
  ];
}

function withValues(
  type: 'set-header' | 'add-header' | 'set-response-header' | 'add-response-header',
  fields: Fields,
): ActionConfig[] {
  return fields === undefined ? [] : entries(fields, (name, value) => ({ type, name, value }));
}
