// The bar on top and the line at the bottom: which cluster, through which node, how fresh; theme and logout.
import type { JSX } from 'preact';
import type { PairStatus } from '@tospann/api/contract';
import { logout } from '../live/session.ts';
import { link, now, showLogin, staleAfterMs } from '../live/store.ts';
import { nextTheme, theme } from '../live/theme.ts';
import { Icon } from './icons.tsx';

export function Header({ pair }: { readonly pair: PairStatus }): JSX.Element {
  return (
    <header class="bar">
      <Mark />
      <h1>
        Tospann <span class="cluster">{pair.self.cluster}</span>
      </h1>
      <p class="through">
        seen from <b>{pair.self.node}</b>
      </p>
      <Pulse />
      <ThemeButton />
      <button
        type="button"
        class="plain"
        onClick={() => {
          void logout();
          showLogin();
        }}
      >
        Log out
      </button>
    </header>
  );
}

/** Two horses, one harness. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path class="beam" d="M5 9h22" />
      <path class="legs" d="M11 9v14M21 9v14" />
    </svg>
  );
}

function Pulse(): JSX.Element {
  const fresh = link.value.isOpen && now.value - link.value.heardAtMs <= staleAfterMs;
  return (
    <p class={`pulse ${fresh ? 'fresh' : 'old'}`}>
      {/* A new element for each message starts its animation again. */}
      <span key={link.value.heardAtMs} class="dot" aria-hidden="true" />
      {fresh ? 'live' : 'stale'}
    </p>
  );
}

function ThemeButton(): JSX.Element {
  const icon = { auto: 'auto', light: 'sun', dark: 'moon' } as const;
  return (
    <button
      type="button"
      class="plain"
      onClick={nextTheme}
      aria-label={`Colours: ${theme.value}. Change`}
      title={`Colours: ${theme.value}`}
    >
      <Icon name={icon[theme.value]} />
    </button>
  );
}

export function Footer({ pair }: { readonly pair: PairStatus }): JSX.Element {
  return (
    <footer>
      <p>
        Tospann {pair.self.version}. Rates are over five seconds; totals since the data plane of a node started; figures
        of both nodes are added up.
      </p>
      <p>
        <a href="/metrics">Metrics of {pair.self.node}</a> · <a href="/api/v1/status">Status as JSON</a>
      </p>
    </footer>
  );
}
