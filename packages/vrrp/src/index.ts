// @tospann/vrrp: the failover agent: VRRPv3 election, addresses, gratuitous ARP, self-probe.
export type { ElectionWord, PeerWord } from './core/peer-word.ts';
export type { VipSnapshot, VrrpSnapshot, VrrpState } from './core/snapshot.ts';
export type { Ability } from './core/state.ts';
export type { HandoverResult, LoopData, VrrpLogLine, VrrpStateEvent } from './io/messages.ts';
export type { Condition, ConditionState, TrackVerdict } from './core/track/condition.ts';
export { measureFirstAnswer, type FirstAnswerOptions } from './io/first-answer.ts';
export { probeOnce, type ProbeTarget } from './io/self-probe.ts';
export { Tracking, type TrackEvent, type TrackingOptions } from './io/track/tracking.ts';
export { startVrrp, type FailoverReport, type VrrpOptions, type VrrpService } from './io/vrrp-service.ts';
