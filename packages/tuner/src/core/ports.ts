// Lists of ports as the kernel writes them in ip_local_reserved_ports: `1936,9000-9010`. Pure.

/** All ports of a list, in order; undefined when the text is no such list. */
export function parsePorts(text: string): readonly number[] | undefined {
  const ports = new Set<number>();
  for (const part of text.trim().split(',').filter(Boolean)) {
    const [, first, last] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part) ?? [];
    if (first === undefined) return undefined;
    const [from, to] = [Number(first), Number(last ?? first)];
    if (to > 65_535 || from > to) return undefined;
    for (let port = from; port <= to; port++) ports.add(port);
  }
  return [...ports].sort((a, b) => a - b);
}

/** The kernel's own form: sorted, neighbours joined to ranges; empty text for no port. */
export function formatPorts(ports: readonly number[]): string {
  const sorted = [...new Set(ports)].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const port of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === port - 1) last[1] = port;
    else ranges.push([port, port]);
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',');
}
