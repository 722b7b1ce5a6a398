// Codes about running the product: children, control socket, tokens, commands that a pre-check refuses.
import type { ErrorEntry } from '../catalogue.ts';

export const operationErrors = {
  LB_OPERATION_NOT_REACHABLE: {
    source: 'internal',
    retry: 'always',
    status: 503,
    message: 'Cannot reach the node through "{socket}": {detail}',
    hint: 'Start it with "tospann run", or name its directory with --run-dir.',
  },
  LB_OPERATION_RUNNING_ALREADY: {
    source: 'config',
    retry: 'never',
    status: 409,
    message: 'Cannot run a node in "{runDir}": process {pid} runs one there',
    hint: 'Stop that one first, or name another directory with --run-dir.',
  },
  LB_INTERNAL: {
    source: 'internal',
    retry: 'never',
    status: 500,
    message: 'Cannot go on: {detail}',
    hint: 'Report this with the log lines around it.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
