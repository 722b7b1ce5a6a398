// What a server is in the end: its checks, its agent, its name's address and its operator's will put together, in
// HAProxy's order: any of them can take it down, and of the administrative states the stricter one holds. Pure.
import type { AgentState } from './agent.ts';
import type { Health } from './state.ts';
import type { AdminState, ServerState, ServerStatusWord } from '../snapshot.ts';

const MAX_WEIGHT = 256;
const STRICTNESS: readonly AdminState[] = ['ready', 'drain', 'maint'];

/** What an operator has said about a server. */
export interface ServerSetting {
  readonly state: AdminState;
  /** 0..256; absent: as configured. */
  readonly weight?: number;
}

export const defaultSetting: ServerSetting = { state: 'ready' };

export interface StandingInput {
  readonly configuredWeight: number;
  readonly health: Health;
  readonly agent: AgentState;
  readonly setting: ServerSetting;
  /** Why there is no address to connect to; empty when there is one. */
  readonly unresolved: string;
}

export interface Standing {
  readonly state: ServerState;
  readonly admin: AdminState;
  /** What is shown: `maint` hides everything, `down` hides `drain`. */
  readonly status: ServerStatusWord;
  /** Requests may be sent there, at least those of its sessions. */
  readonly usable: boolean;
  /** As configured, or as the operator said. */
  readonly weight: number;
  /** What balancing uses: times the agent's percentage; 0 in drain and maint. */
  readonly effectiveWeight: number;
  /** The agent's limit; 0: as configured. */
  readonly maxConnections: number;
  /** Why it is not simply up, in words; empty when the checks say it all. */
  readonly detail: string;
}

/** Puts everything together. */
export function standingOf(input: StandingInput): Standing {
  const { health, agent, setting, unresolved } = input;
  const isDown = unresolved !== '' || agent.down || health.state === 'down';
  const state: ServerState = isDown ? 'down' : health.state;
  const admin = stricter(setting.state, agent.admin);
  const weight = setting.weight ?? input.configuredWeight;
  return {
    state,
    admin,
    status: admin === 'maint' ? 'maint' : isDown ? 'down' : admin === 'drain' ? 'drain' : state,
    usable: !isDown && admin !== 'maint',
    weight,
    // Without an address not even the panic threshold may choose it.
    effectiveWeight: admin === 'ready' && unresolved === '' ? scaled(weight, agent.percent) : 0,
    maxConnections: agent.maxConnections,
    detail: detailOf(input, admin),
  };
}

/** Rounded up, so that no share but 0 % takes a server out. */
function scaled(weight: number, percent: number): number {
  return Math.min(MAX_WEIGHT, Math.ceil((weight * percent) / 100));
}

function stricter(a: AdminState, b: AdminState): AdminState {
  return STRICTNESS[Math.max(STRICTNESS.indexOf(a), STRICTNESS.indexOf(b))]!;
}

function detailOf({ agent, setting, unresolved }: StandingInput, admin: AdminState): string {
  const parts: string[] = [];
  if (admin !== 'ready') parts.push(`${admin} by ${setting.state === admin ? 'operator' : 'agent'}`);
  if (unresolved !== '') parts.push(unresolved);
  if (agent.lastWords !== '') parts.push(`agent: ${agent.lastWords}`);
  return parts.join('; ');
}
