// What happened last on both nodes: severity, how long ago, where, and the sentence. The whole history is `tospann events`.
import type { JSX } from 'preact';
import type { NodeEvent } from '@tospann/api/contract';
import { formatAge } from '../core/format.ts';
import type { EventView } from '../core/event-view.ts';
import { Badge, type IconName, type Tone } from './icons.tsx';

const looks: Readonly<Record<NodeEvent['severity'], readonly [Tone, IconName]>> = {
  info: ['idle', 'dash'],
  warning: ['warn', 'alert'],
  alarm: ['bad', 'cross'],
};

export function Events({ events }: { readonly events: readonly EventView[] }): JSX.Element {
  return (
    <section aria-labelledby="events">
      <h2 id="events">Last events</h2>
      {events.length === 0 ? (
        <p class="empty">Nothing has happened yet.</p>
      ) : (
        <ol class="events" data-testid="events">
          {events.map((event) => (
            <li key={event.key} data-testid="event" data-severity={event.severity} data-kind={event.event}>
              <Badge tone={looks[event.severity][0]} icon={looks[event.severity][1]} text={event.severity} />
              <span class="soft age">{formatAge(event.ageMs)}</span>
              <span class="soft">{event.node}</span>
              <span class="sentence">{event.text}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
