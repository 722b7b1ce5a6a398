// What is old, and since when: the stream of this node, or the other node's answers.
import type { JSX } from 'preact';
import type { PairStatus } from '@tospann/api/contract';
import { formatAge } from '../core/format.ts';
import { link, now, reconnectNow, staleAfterMs } from '../live/store.ts';
import { Icon } from './icons.tsx';

export function StaleBanner({ pair }: { readonly pair: PairStatus }): JSX.Element | null {
  const silentMs = now.value - link.value.heardAtMs;
  if (silentMs > staleAfterMs) return <LostStream pair={pair} silentMs={silentMs} />;
  const { peer } = pair;
  if (peer === undefined || peer.reachable) return null;
  const since = peer.lastSeenAgeMs < 0 ? 'never answered' : `stale since ${formatAge(peer.lastSeenAgeMs)}`;
  return (
    <p class="stale" data-testid="stale-banner">
      <Icon name="off" />
      <span>
        <b>{peer.name}</b> {since}: {peer.error ?? 'no answer'}. What is shown of it is what it said last.
      </span>
    </p>
  );
}

function LostStream({ pair, silentMs }: { readonly pair: PairStatus; readonly silentMs: number }): JSX.Element {
  const { retryAtMs } = link.value;
  const waitS = retryAtMs === undefined ? 0 : Math.max(0, Math.ceil((retryAtMs - now.value) / 1000));
  return (
    <p class="stale lost" data-testid="stale-banner">
      <Icon name="off" />
      <span>
        Stale since {formatAge(silentMs)}: <b>{pair.self.node}</b> does not answer.{' '}
        {waitS > 0 ? `Trying again in ${waitS} s.` : 'Trying again now…'}
      </span>
      {/* The pair may be well without this node: its peer shows. */}
      {pair.peer === undefined ? null : (
        <a class="plain" href={`https://${pair.peer.address}/`}>
          Open {pair.peer.name}
        </a>
      )}
      <button type="button" class="plain" onClick={reconnectNow}>
        Try now
      </button>
    </p>
  );
}
