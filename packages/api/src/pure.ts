// @tospann/api/pure: decisions over statuses without zod and without node:, for the browser console as well.
export { sampleOf } from './core/history.ts';
export { ownersOf, vipsOf, type Owner } from './core/owners.ts';
export { notReady } from './core/ready.ts';
export { idleBecause, isLive, isOut, takesTraffic } from './core/traffic.ts';
