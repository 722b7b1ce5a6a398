// The page: login or the pair. It shows and changes nothing.
import type { JSX } from 'preact';
import type { PairStatus } from '@tospann/api/contract';
import { eventViews } from '../core/event-view.ts';
import { backendViews, frontendViews, nodeViews, vipViews } from '../core/view.ts';
import { link, now, pair, phase, staleAfterMs, windows } from '../live/store.ts';
import { Addresses } from './addresses.tsx';
import { Charts } from './charts.tsx';
import { Events } from './events.tsx';
import { Footer, Header } from './header.tsx';
import { Frontends } from './frontends.tsx';
import { Login } from './login.tsx';
import { Nodes } from './nodes.tsx';
import { Servers } from './servers.tsx';
import { StaleBanner } from './stale.tsx';
import { Topology } from './topology.tsx';
import { Verdict } from './verdict.tsx';

export function App(): JSX.Element {
  if (phase.value === 'login') return <Login />;
  const shown = pair.value;
  if (shown === undefined) return <Starting />;
  return <Page pair={shown} />;
}

function Starting(): JSX.Element {
  const tries = link.value.retryAtMs !== undefined;
  return (
    <main class="starting">
      <p role="status">{tries ? 'The node does not answer. Trying again…' : 'Connecting to the node…'}</p>
    </main>
  );
}

function Page({ pair: shown }: { readonly pair: PairStatus }): JSX.Element {
  const nodes = nodeViews(shown, windows.value);
  const vips = vipViews(shown);
  const backends = backendViews(shown, windows.value);
  const events = eventViews(shown);
  const isStale = now.value - link.value.heardAtMs > staleAfterMs;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the figures
      </a>
      <Header pair={shown} />
      <main id="main" tabIndex={-1} class={isStale ? 'is-stale' : ''}>
        <Verdict verdict={shown.verdict} vips={vips} isStale={isStale} cluster={shown.self.cluster} />
        <StaleBanner pair={shown} />
        <Topology nodes={nodes} vips={vips} backends={backends} />
        <Addresses vips={vips} nodes={nodes} />
        <Nodes nodes={nodes} />
        {events === undefined ? null : <Events events={events} />}
        <Charts nodes={nodes.map((node) => node.name)} />
        <Servers backends={backends} />
        <Frontends frontends={frontendViews(shown, windows.value)} />
      </main>
      <Footer pair={shown} />
    </>
  );
}
