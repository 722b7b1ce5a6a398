// The lab's names for tests, benchmarks and the demo.
export { monotonicMs, pause, until } from './clock.ts';
export { openDoor, type Door } from './door.ts';
export { Faults, type Heal } from './faults.ts';
export { evaluateProbes, type Outage, type Probe, type ProbeReport } from './gaps.ts';
export { handOverUnderLoad, type HandOverRunReport, type LongLivedReport, type MoveReport } from './hand-over-run.ts';
export { headerValues, HttpClient, type Answer, type RequestOptions } from './http-client.ts';
export {
  AddressWatch,
  Load,
  Prober,
  startOrigin,
  tool,
  type AddressChange,
  type LoadOptions,
  type LoadReport,
} from './instruments.ts';
export { createLab, Lab, LabNode } from './lab.ts';
export {
  articleImportArguments,
  Pair,
  PairMember,
  productCommand,
  tospann,
  type CommandResult,
  type PairOptions,
} from './pair.ts';
export { startHaproxy, startKeepalived, type KeepalivedOptions } from './peer-pair.ts';
export { describeExit, LabProcess, type ExitStatus, type OutputLine, type StartOptions } from './process.ts';
export { BLACK_HOLE, footprintOf, Single, SINGLE_ADDRESS, type Footprint } from './single.ts';
export { removeStaleLabs } from './registry.ts';
export type { LabSpec, LinkSpec, NodeSpec } from './spec.ts';
export { cpuNanoseconds, descendantsOf, environmentOf, pidsInNamespace, run, signalAll } from './system.ts';
export { INNER_ADDRESSES, NODE_ADDRESSES, PAIR_TOPOLOGY, VIP, type PairNodeName } from './topology.ts';
