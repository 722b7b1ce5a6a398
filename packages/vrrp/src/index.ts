// @tospann/vrrp: the failover agent: VRRPv3 election, addresses, gratuitous ARP, self-probe.
export type { AgentEvent, AgentReport } from './core/agent-event.ts';
export type { MoverResult } from './core/mover.ts';
export { takeover } from './core/machine-actions.ts';
export { NotifyLines } from './core/notify-lines.ts';
export type { ElectionWord, PeerWord } from './core/peer/peer-word.ts';
export type { VipSnapshot, VrrpSnapshot, VrrpState } from './core/snapshot.ts';
export type { Ability } from './core/state.ts';
export { Hooks } from './io/hooks/hooks.ts';
export { makeMovers, type Mover } from './io/hooks/mover.ts';
export { StealMeter } from './io/meters/steal-meter.ts';
export { NotifyFifo } from './io/hooks/notify-fifo.ts';
export type { HandoverResult, LoopData, VrrpLogLine, VrrpStateEvent } from './io/messages.ts';
export type { Condition, ConditionState, TrackVerdict } from './core/track/condition.ts';
export { measureFirstAnswer, type FirstAnswerOptions } from './io/probe/first-answer.ts';
export { probeOnce, type ProbeTarget } from './io/probe/self-probe.ts';
export { Tracking, type TrackEvent, type TrackingOptions } from './io/track/tracking.ts';
export { TimeWaitSweep } from './io/handover/time-wait-sweep.ts';
export { startVrrp, type FailoverReport, type VrrpOptions, type VrrpService } from './io/vrrp-service.ts';
