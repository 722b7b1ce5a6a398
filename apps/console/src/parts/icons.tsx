// Small icons drawn by hand. Each stands beside its word, so none is read out.
import type { JSX } from 'preact';

export type IconName =
  | 'check'
  | 'cross'
  | 'clock'
  | 'dash'
  | 'alert'
  | 'full'
  | 'ring'
  | 'off'
  | 'sun'
  | 'moon'
  | 'auto';

const shapes: Readonly<Record<IconName, JSX.Element>> = {
  check: <path d="M3 8.5l3.2 3.2L13 4.8" />,
  cross: <path d="M4 4l8 8M12 4l-8 8" />,
  clock: <path d="M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2M8 5v3.2l2.2 1.4" />,
  dash: <path d="M3.5 8h9" />,
  alert: <path d="M8 2.2L14.4 13.4H1.6zM8 6.4v3.2M8 11.5v.3" />,
  full: <circle cx="8" cy="8" r="5" fill="currentColor" />,
  ring: <circle cx="8" cy="8" r="4.6" />,
  off: <path d="M8 2.4a5.6 5.6 0 1 0 0 11.2A5.6 5.6 0 0 0 8 2.4M4.2 4.2l7.6 7.6" />,
  sun: (
    <path d="M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.4v1.4M8 13.2v1.4M1.4 8h1.4M13.2 8h1.4M3.3 3.3l1 1M11.7 11.7l1 1M3.3 12.7l1-1M11.7 4.3l1-1" />
  ),
  moon: <path d="M13 9.6A5.6 5.6 0 0 1 6.4 3 5.4 5.4 0 1 0 13 9.6z" />,
  auto: <path d="M8 2.2a5.8 5.8 0 1 0 0 11.6z" fill="currentColor" />,
};

export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {name === 'auto' ? <circle cx="8" cy="8" r="5.8" /> : null}
      {shapes[name]}
    </svg>
  );
}

/** Kinds of states that share a colour. */
export type Tone = 'ok' | 'warn' | 'bad' | 'idle';

/** A state as colour, icon and word. */
export function Badge(props: { readonly tone: Tone; readonly icon: IconName; readonly text: string }): JSX.Element {
  return (
    <span class={`badge ${props.tone}`}>
      <Icon name={props.icon} />
      {props.text}
    </span>
  );
}
