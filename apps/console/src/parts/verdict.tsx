// The sentence on top. It changes only when something has changed, so it can be read out each time; a change of
// ownership is told in words of its own.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Verdict as VerdictData } from '@tospann/api/contract';
import type { VipView } from '../core/view.ts';
import { Icon } from './icons.tsx';

interface Props {
  readonly verdict: VerdictData;
  readonly vips: readonly VipView[];
  readonly isStale: boolean;
  readonly cluster: string;
}

const icons = { ok: 'check', degraded: 'alert', down: 'cross' } as const;

export function Verdict({ verdict, vips, isStale, cluster }: Props): JSX.Element {
  const [opening = '', ...rest] = verdict.sentence.split(' ');
  useEffect(() => {
    document.title = `${isStale ? 'Stale' : opening.replace('.', '')} · ${cluster} · Tospann`;
  }, [isStale, opening, cluster]);
  return (
    <section class={`verdict ${isStale ? 'old' : verdict.level}`} aria-label="Verdict">
      <span class="seal">
        <Icon name={isStale ? 'clock' : icons[verdict.level]} />
      </span>
      <p role="status" data-testid="verdict" data-level={verdict.level}>
        {isStale ? 'Last known: ' : null}
        <strong>{opening}</strong> {rest.join(' ')}
      </p>
      <OwnershipChanges vips={vips} />
    </section>
  );
}

/** Tells a change of ownership to those who do not see it. */
function OwnershipChanges({ vips }: { readonly vips: readonly VipView[] }): JSX.Element {
  const before = useRef(new Map<string, string>());
  const text = useRef('');
  for (const vip of vips) {
    const owner = vip.owners.join(' and ');
    const old = before.current.get(vip.name);
    if (old !== undefined && old !== owner) {
      text.current = owner === '' ? `Nobody owns ${vip.name} now.` : `${vip.name} moved: ${owner} owns it now.`;
    }
    before.current.set(vip.name, owner);
  }
  return (
    <p class="unseen" aria-live="polite">
      {text.current}
    </p>
  );
}
