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
  LB_OPERATION_RELOAD_NEEDS_RESTART: {
    source: 'config',
    retry: 'never',
    status: 409,
    message: 'Cannot reload the configuration: {parts} changed, which needs a restart of the node',
    hint: 'Run "tospann failover" where the address is, then restart this node; then the other one.',
  },
  LB_OPERATION_RELOAD_FAILED: {
    source: 'internal',
    retry: 'always',
    status: 500,
    message: 'Cannot reload the configuration: the new proxy did not start; the old one serves on',
    hint: 'Read the "child-failed" line before this one: it says what the new proxy lacked.',
  },
  LB_OPERATION_RELOAD_REFUSED: {
    source: 'internal',
    retry: 'never',
    status: 500,
    message: 'Cannot put the new configuration in place: {detail}; the old one serves on',
    hint: 'Undo the last change of the file, and report the message: "tospann validate" should have found this.',
  },
  LB_OPERATION_UPGRADE_REFUSED: {
    source: 'internal',
    retry: 'always',
    status: 409,
    message: 'Cannot go over to the program that is installed now: {detail}',
    hint: 'Nothing has changed. Run "tospann version" and "tospann validate" by hand, put that right, and try again.',
  },
  LB_OPERATION_NO_AGENT: {
    source: 'internal',
    retry: 'always',
    status: 409,
    message: 'Cannot fail over: no failover agent runs on this node',
    hint: 'Look at "tospann status"; without "vips" in the configuration there is no address to move.',
  },
  LB_OPERATION_SERVER_SETTINGS: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot read the servers\' settings in "{file}": {detail}',
    hint: 'All servers begin as configured; say "tospann servers" again for those that differ. The file was put aside.',
  },
  LB_OPERATION_SYSTEM: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot go on: the system says "{detail}"',
    hint: 'Put that right, then run the command again.',
  },
  LB_OPERATION_OUTPUT: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot write the output: {detail}',
    hint: 'Make room where the output goes, or send it somewhere else; what the command did is done.',
  },
  LB_OPERATION_UNFORESEEN: {
    source: 'internal',
    retry: 'never',
    status: 500,
    message: 'Cannot go on: {detail}',
    hint: 'Run the command again with TOSPANN_TRACE=1 in the environment, and report what it prints.',
  },
  LB_INTERNAL: {
    source: 'internal',
    retry: 'never',
    status: 500,
    message: 'Cannot go on: {detail}',
    hint: 'Report this with the log lines around it.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
