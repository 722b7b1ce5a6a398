// The frontends: where clients come in, what they get, what was refused.
import type { JSX } from 'preact';
import { formatBytes, formatCount, formatRate, unknown } from '../core/format.ts';
import type { FrontendView } from '../core/view.ts';

export function Frontends({ frontends }: { readonly frontends: readonly FrontendView[] }): JSX.Element {
  return (
    <section aria-labelledby="frontends">
      <h2 id="frontends">Frontends</h2>
      <div class="scroll" role="region" aria-labelledby="frontends" tabIndex={0}>
        <table class="dense">
          <thead>
            <tr>
              <th scope="col">Frontend</th>
              <th scope="col" class="number">
                Connections
              </th>
              <th scope="col" class="number">
                Req/s
              </th>
              <th scope="col" class="number">
                Requests
              </th>
              {['2xx', '3xx', '4xx', '5xx'].map((code) => (
                <th scope="col" class="number" key={code}>
                  {code}
                </th>
              ))}
              <th scope="col" class="number opt">
                In
              </th>
              <th scope="col" class="number opt">
                Out
              </th>
              <th scope="col" class="check">
                Refused
              </th>
            </tr>
          </thead>
          <tbody>
            {frontends.map((frontend) => (
              <Row key={frontend.name} frontend={frontend} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ frontend }: { readonly frontend: FrontendView }): JSX.Element {
  const [, ...classes] = frontend.responses;
  const refused = frontend.refused.map(([reason, count]) => `${reason} ${formatCount(count)}`);
  return (
    <tr data-testid={`frontend-${frontend.name}`}>
      <th scope="row">
        {frontend.name} <span class="mono soft">{frontend.binds.join(' ')}</span>
      </th>
      <td class="number">{formatCount(frontend.connections)}</td>
      <td class="number">{formatRate(frontend.requestRate)}</td>
      <td class="number">{formatCount(frontend.requestsTotal)}</td>
      {classes.map((count, i) => (
        <td key={i} class={`number ${i === 3 && count > 0 ? 'bad' : ''}`}>
          {formatCount(count)}
        </td>
      ))}
      <td class="number opt">{formatBytes(frontend.bytesIn)}</td>
      <td class="number opt">{formatBytes(frontend.bytesOut)}</td>
      <td class="check soft">{refused.length === 0 ? unknown : refused.join(', ')}</td>
    </tr>
  );
}
