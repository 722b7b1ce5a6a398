// Codes about tuning the kernel.
import type { ErrorEntry } from '../catalogue.ts';

export const tunerErrors = {
  LB_TUNER_BUSY: {
    source: 'internal',
    retry: 'always',
    status: 409,
    message: 'Cannot change kernel settings: {holder} is changing them',
    hint: 'Wait until that has ended, then run the command again.',
  },
  LB_TUNER_READ_ONLY: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot change kernel settings: /proc/sys is mounted read-only in this container',
    hint: 'Run "tospann tune apply" on the host; nothing has been changed here.',
  },
  LB_TUNER_NOT_ALLOWED: {
    source: 'kernel',
    retry: 'never',
    status: 403,
    message: 'Cannot change kernel settings: this process is not root',
    hint: 'Run the command with sudo; "tospann tune plan" and "tune report" need no root.',
  },
  LB_TUNER_JOURNAL: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot use the journal "{file}": {detail}',
    hint: 'Nothing has been changed; free space or repair the file system, then run the command again.',
  },
  LB_TUNER_UNCONFIRMED: {
    source: 'config',
    retry: 'always',
    status: 409,
    message: 'Cannot apply settings: those applied before are to be confirmed within {seconds} s or are put back',
    hint: 'Run "tospann tune confirm" to keep them, or "tospann tune revert".',
  },
  LB_TUNER_NOTHING_TO_CONFIRM: {
    source: 'config',
    retry: 'never',
    status: 409,
    message: 'Cannot confirm settings: {detail}',
    hint: 'Look at "tospann tune status"; apply them again if you want them.',
  },
  LB_TUNER_NO_GUARD: {
    source: 'internal',
    retry: 'always',
    status: 500,
    message: 'Cannot start the process that puts settings back when nobody confirms: {detail}',
    hint: 'Nothing has been changed; put that right, or apply without --confirm-within.',
  },
  LB_TUNER_NOTRACK_REFUSED: {
    source: 'config',
    retry: 'never',
    status: 409,
    message: 'Cannot take the ports out of connection tracking: {detail}',
    hint: 'Change the firewall first as the message says, or set tuner.notrack to false.',
  },
  LB_TUNER_NFT: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot run nft: {detail}',
    hint: 'Install nftables, or set tuner.notrack to false.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
