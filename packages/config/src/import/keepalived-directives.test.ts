// The table of directives against the importer: what it says of a directive is what the report of an import says of it.
import { expect, test } from 'vitest';
import { importConfig } from './import-config.ts';
import { DIRECTIVES, type Directive, type Place } from './keepalived-directives.ts';

/** A pair's file with a place for lines of each kind. */
function pairFile(added: Partial<Record<Place, string>>, priority: number): string {
  const of = (place: Place): string => added[place] ?? '';
  return `global_defs {
${of('global')}
}
${of('top')}
vrrp_script chk {
script /usr/local/bin/check
${of('script')}
}
vrrp_sync_group VG {
group {
VI_1
}
}
vrrp_instance VI_1 {
interface eth0
virtual_router_id 51
priority ${priority}
track_script {
chk
}
virtual_ipaddress {
10.10.0.200/24
}
${of('instance')}
}`;
}

/** The line as the node has it: its own address ends with its number. */
function forNode(line: string, own: number): string {
  const flip = (text: string, last: string): string =>
    own === 1 ? text : text.replace(/\d$/, last === '1' ? '2' : '1');
  return line.replaceAll('lb1', `lb${own}`).replaceAll(/10\.10\.0\.1([12])/g, flip);
}

function answerOf(place: Place, line: string): { verdict: string; why: string; target: string } | undefined {
  const isThere = pairFile({}, 150).includes(`${line}\n`);
  const keepalived = [1, 2].map((own) => {
    const added = isThere ? {} : { [place]: forNode(line, own) };
    return { file: `lb${own}.conf`, text: pairFile(added, own === 1 ? 150 : 100) };
  });
  const { report } = importConfig({ haproxy: [], keepalived, sysctl: [] });
  return report.findLast(({ file, text }) => file === 'lb1.conf' && text === forNode(line, 1));
}

const places: readonly Place[] = ['top', 'global', 'instance', 'script'];
const rows = places.flatMap((place) =>
  DIRECTIVES[place].map((directive) => ({ place, directive, name: directive.names[0] ?? '' })),
);

test.each(rows)('the table says of "$name" in $place what the importer says', ({ place, directive }) => {
  for (const line of linesOf(directive)) {
    const answer = answerOf(place, line);
    expect(answer?.verdict, line).toBe(directive.verdict);
    const target = new RegExp(`^${directive.becomes.replaceAll('.', String.raw`\.`).replaceAll('*', '[^.]+')}`);
    expect(
      (answer?.target ?? '').split(', ').some((one) => target.test(one)),
      `${line}: ${answer?.target}`,
    ).toBe(true);
    if (directive.sample === undefined) expect(answer?.why).toBe(directive.why);
  }
});

/** Every name where the importer does not look at the value, else the usual line. */
function linesOf({ names, sample }: Directive): string[] {
  return sample === undefined ? names.map((name) => `${name.replace('*', '')} x`) : [sample];
}

test('no name stands in two rows of one place', () => {
  for (const place of places) {
    const names = DIRECTIVES[place].flatMap((directive) => directive.names);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  }
});
