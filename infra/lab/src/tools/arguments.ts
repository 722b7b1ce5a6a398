// Options of the lab's own small programs: `--name value` pairs, numbers checked. For processes that the lab starts.

/** Reads `--name value` pairs; a name without a value, or a value without a name, is an error. */
export function readArguments(argv: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (let index = 0; index < argv.length; index += 2) {
    const name = argv[index] ?? '';
    const value = argv[index + 1];
    if (!name.startsWith('--') || value === undefined)
      throw new Error(`Cannot read option "${name}": it needs --name value`);
    found.set(name.slice(2), value);
  }
  return found;
}

/** A number among the options, or the default; throws when it is no number. */
export function numberOf(found: ReadonlyMap<string, string>, name: string, byDefault: number): number {
  const text = found.get(name);
  if (text === undefined) return byDefault;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new Error(`Cannot read --${name}: "${text}" is no number`);
  return value;
}

/** `host:port` among the options; throws when it is missing or has no port. */
export function targetOf(found: ReadonlyMap<string, string>): { readonly host: string; readonly port: number } {
  const match = /^(?<host>[^:]+):(?<port>\d+)$/.exec(found.get('target') ?? '');
  if (match?.groups === undefined) throw new Error('Cannot read --target: it must be host:port');
  return { host: match.groups['host'] ?? '', port: Number(match.groups['port']) };
}

/** Prints one JSON line. */
export function say(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
