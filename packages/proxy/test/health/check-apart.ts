// A process of its own that checks one server again and again, and prints what each check found: a test stops it.
//   node check-apart.ts PORT TIMEOUT_MS
import { CheckHeadParser } from '../../src/core/health/http-conversation.ts';
import { initialHealth } from '../../src/core/health/state.ts';
import { HealthCheck } from '../../src/io/health/health-check.ts';
import { SocketGate } from '../../src/io/health/talk.ts';

const [port, timeoutMs] = process.argv.slice(2).map(Number) as [number, number];

// oxlint-disable-next-line no-new -- it works until the process is killed
new HealthCheck({
  target: () => ({ address: '127.0.0.1', port }),
  host: 'a',
  check: {
    type: 'http',
    method: 'GET',
    path: '/',
    intervalMs: 20,
    fastIntervalMs: 20,
    timeoutMs,
    rise: 1,
    fall: 1,
  },
  health: initialHealth(true, 0),
  firstInMs: 0,
  tools: {
    gate: new SocketGate(1),
    parser: new CheckHeadParser(),
    monotonicMs: () => performance.now(),
    random: () => 0.5,
  },
  onResult: ({ lastCheck }) => process.stdout.write(`${lastCheck}\n`),
});
