// Codes about the configuration file and the importers: the operator wrote something that cannot be taken.
import type { ErrorEntry } from '../catalogue.ts';

export const configErrors = {
  LB_CONFIG_SYNTAX: {
    source: 'config',
    retry: 'never',
    status: 422,
    message: 'Cannot read the configuration as YAML: {detail}',
    hint: 'Correct the YAML at this place; indentation is made of spaces.',
  },
  LB_CONFIG_UNKNOWN_KEY: {
    source: 'config',
    retry: 'never',
    status: 422,
    message: 'Cannot use key "{key}": it is not known here',
    hint: '{suggestion}',
  },
  LB_CONFIG_UNREADABLE: {
    source: 'config',
    retry: 'never',
    status: 422,
    message: 'Cannot read the configuration "{file}": {detail}',
    hint: 'Name the file with -c, or make it readable for this user.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
