// Rules of HAProxy before 2.1: reqadd and rspadd, reqdel and rspdel of a whole name, block, and those that changed lines
// by regular expressions, which have no counterpart.
import { done, no, type Action } from './haproxy-action.ts';
import { requestAction, responseAction } from './haproxy-actions.ts';
import { splitCondition, type Parsed } from './haproxy-rules.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import { maskSecrets } from './report.ts';

const OLD = /^(?:req|rsp)i?(?:rep|del|deny|pass|tarpit|allow|setbe)$/;

/** Reads an old rule; undefined when the line is none. */
export function readOldRule(line: HaproxyLine, mode: 'http' | 'tcp'): Parsed | undefined {
  const [keyword = '', ...rest] = line.words;
  const { words, condition } = splitCondition(rest);
  if (keyword === 'block') return { action: done({ deny: true }), condition, kind: 'block', base: 'for_deny' };
  if (keyword === 'reqadd' || keyword === 'rspadd') {
    const kind = keyword === 'reqadd' ? 'old' : 'response';
    return { action: addAction(keyword, words.join(' ')), condition, kind, base: `for_${keyword}` };
  }
  if (mode === 'tcp' || !OLD.test(keyword)) return undefined;
  const kind = keyword.startsWith('rsp') ? 'response' : 'old';
  if (keyword.endsWith('del')) {
    return { action: deleteAction(keyword, words.join(' ')), condition, kind, base: `for_${keyword}` };
  }
  const action = no('use http-request and http-response rules: HAProxy itself has dropped this one');
  return { action, condition, kind, base: `for_${keyword}` };
}

function addAction(keyword: string, text: string): Action {
  const [, name = '', value = ''] = /^([\w-]+):\s*(.*)$/.exec(text) ?? [];
  if (name === '') return no(`"${maskSecrets(text)}" is no header`);
  const use = { tarpit: '', phase: 'request' } as const;
  // What it adds is text: it has no variables.
  const plain = [name, value.replaceAll('%', '%%')];
  return keyword === 'reqadd'
    ? requestAction('add-header', plain, use)
    : responseAction('add-header', plain, { ...use, phase: 'response' });
}

// `^X-Forwarded-For:.*` is every line of that name.
function deleteAction(keyword: string, pattern: string): Action {
  const name = /^\^([\w-]+)(?::(?:\\?\s)?(?:\.\*)?\$?|:\[\^:\]\*:?)$/.exec(pattern)?.[1];
  if (name === undefined) return no('lines are removed by the whole name of their header only: ^Name:');
  const isAnswer = keyword.startsWith('rsp');
  const use = { tarpit: '', phase: 'request' } as const;
  return isAnswer ? responseAction('del-header', [name], use) : requestAction('del-header', [name], use);
}
