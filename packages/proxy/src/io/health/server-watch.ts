// Everything that is known of one server in the main thread: its checks, its agent, its address, what its operator
// wants; put together (core/health/standing.ts) and told when anything of it has changed. Its words are the fleet's.
import type { BackendConfig, CheckConfig, ServerConfig } from '@tospann/config';
import { initialAgent, type AgentState } from '../../core/health/agent.ts';
import { resolutionOf, unresolvedName, type NameState } from '../../core/health/name.ts';
import { afterFaults, TRIAL_CHECK } from '../../core/health/passive.ts';
import { standingOf, type ServerSetting, type Standing } from '../../core/health/standing.ts';
import { initialHealth, type Health } from '../../core/health/state.ts';
import { AgentCheck } from './agent-check.ts';
import { HealthCheck, type CheckTools } from './health-check.ts';

export interface WatchOptions {
  readonly backend: BackendConfig;
  readonly server: ServerConfig;
  readonly setting: ServerSetting;
  /** Of a server by name: the address that it had before a restart. */
  readonly address?: string;
  /** 0..1: when within its first interval this server is asked first. */
  readonly phase: number;
  readonly tools: CheckTools;
  /** Something has changed; `by` is who did it. */
  readonly onChange: (watch: ServerWatch, change: StandingChange) => void;
  /** The watch that this one replaces (another configuration of the same server): its knowledge is taken over. */
  readonly before?: ServerWatch;
}

export interface StandingChange {
  readonly before: Standing;
  readonly by: 'check' | 'agent' | 'operator' | 'resolver' | 'traffic';
}

/** The check that is for this server; undefined: none. */
function checkOf(backend: BackendConfig, server: ServerConfig): CheckConfig | undefined {
  return server.check === false ? undefined : backend.check;
}

export class ServerWatch {
  readonly backend: BackendConfig;
  readonly server: ServerConfig;
  standing: Standing;
  /** Monotonic ms of the last change of `standing.status`. */
  sinceMs: number;
  health: Health;
  /** The fleet's note of what it wrote into the words. */
  writtenAddress = '';
  readonly #options: WatchOptions;
  #agent: AgentState;
  #setting: ServerSetting;
  #name: NameState;
  readonly #check: HealthCheck | undefined;
  readonly #agentCheck: AgentCheck | undefined;

  constructor(options: WatchOptions) {
    const { backend, server, tools, before } = options;
    this.#options = options;
    this.backend = backend;
    this.server = server;
    this.#setting = options.setting;
    this.#agent = backend.agent === undefined ? initialAgent : (before?.agent ?? initialAgent);
    this.#name = before?.name ?? knownName(options.address);
    const isChecked = checkOf(backend, server) !== undefined;
    const wasChecked = before !== undefined && checkOf(before.backend, before.server) !== undefined;
    const known = before !== undefined && isChecked === wasChecked ? before.health : undefined;
    this.health = known ?? initialHealth(isChecked, tools.monotonicMs());
    this.standing = this.#standing();
    this.sinceMs = before?.sinceMs ?? this.health.sinceMs;
    this.#check = this.#startCheck();
    this.#agentCheck = this.#startAgent();
  }

  get agent(): AgentState {
    return this.#agent;
  }

  get name(): NameState {
    return this.#name;
  }

  /** The address to connect to now; empty: not known yet. */
  get address(): string {
    return this.server.isName === true ? this.#name.address : this.server.address;
  }

  /** Absent for a server that is configured by its address. */
  get resolution(): 'fresh' | 'stale' | 'unresolved' | undefined {
    return this.server.isName === true ? resolutionOf(this.#name) : undefined;
  }

  /** Operator, agent and resolver in words. */
  get detail(): string {
    const { detail } = this.standing;
    if (this.resolution !== 'stale') return detail;
    const stale = `${this.server.address}: ${this.#name.fault}, the last address is kept`;
    return detail === '' ? stale : `${detail}; ${stale}`;
  }

  close(): void {
    this.#check?.close();
    this.#agentCheck?.close();
  }

  /** What the operator wants from now on. */
  set(setting: ServerSetting): void {
    this.#setting = setting;
    this.#update('operator');
  }

  /** What the resolver found out. */
  resolved(name: NameState): void {
    this.#name = name;
    this.#update('resolver');
  }

  /** So many requests in a row have failed that the configuration wants a reaction. */
  faulted(): void {
    const { backend, server, tools } = this.#options;
    if (backend.observe === undefined || this.#check === undefined) return;
    const own = checkOf(backend, server);
    const check = own ?? TRIAL_CHECK;
    const hasCheck = own !== undefined;
    const nowMs = tools.monotonicMs();
    const { health, checkInMs } = afterFaults(this.health, { observe: backend.observe, check, hasCheck, nowMs });
    this.health = health;
    this.#check.soon(health, checkInMs);
    this.#update('traffic');
  }

  #startCheck(): HealthCheck | undefined {
    const { backend, server, phase, tools } = this.#options;
    const { observe } = backend;
    const check = checkOf(backend, server);
    if (check === undefined && observe === undefined) return undefined;
    const host = server.address.includes(':') ? `[${server.address}]` : server.address;
    return new HealthCheck({
      target: () => this.#target(),
      host: `${host}:${server.port}`,
      check: check ?? TRIAL_CHECK,
      sendProxy: server.sendProxy,
      health: this.health,
      ...(check === undefined
        ? {
            onlyWhileDown: true,
            ...(this.health.state === 'down' ? { firstInMs: TRIAL_CHECK.intervalMs * phase } : {}),
          }
        : { firstInMs: Math.min(check.fastIntervalMs, check.intervalMs) * phase }),
      tools,
      onResult: (health) => {
        this.health = health;
        this.#update('check');
      },
    });
  }

  #startAgent(): AgentCheck | undefined {
    const { backend, phase, tools } = this.#options;
    const { agent } = backend;
    if (agent === undefined) return undefined;
    return new AgentCheck({
      target: () => this.#target(),
      agent,
      state: this.#agent,
      firstInMs: Math.min(agent.intervalMs, 1000) * phase,
      tools,
      onAnswer: (state) => {
        this.#agent = state;
        this.#update('agent');
      },
    });
  }

  #target(): { readonly address: string; readonly port: number } | null {
    return this.address === '' ? null : { address: this.address, port: this.server.port };
  }

  #standing(): Standing {
    const unresolved = this.address === '' ? `no address for ${this.server.address}: ${this.#whyUnresolved()}` : '';
    const { health } = this;
    const input = { configuredWeight: this.server.weight, health, agent: this.#agent, setting: this.#setting };
    return standingOf({ ...input, unresolved });
  }

  #whyUnresolved(): string {
    return this.#name.fault === '' ? 'not resolved yet' : this.#name.fault;
  }

  #update(by: StandingChange['by']): void {
    const before = this.standing;
    this.standing = this.#standing();
    if (before.status !== this.standing.status) this.sinceMs = this.#options.tools.monotonicMs();
    this.#options.onChange(this, { before, by });
  }
}

function knownName(address: string | undefined): NameState {
  return address === undefined ? unresolvedName : { ...unresolvedName, address, fault: 'not asked yet' };
}
