// `tospann tune ...`: the commands and options. Exit codes: 0 done; 1 a key was refused or could not be put back; 4 report:
// users are affected now, plan --check: changes are pending, status: drift, audit: lines that should go.
import { type Command, Option } from 'commander';
import type { ExitCode } from './exit.ts';
import {
  applyCommand,
  auditCommand,
  confirmCommand,
  guardCommand,
  planCommand,
  reportCommand,
  revertCommand,
  tuneStatusCommand,
  type AuditOptions,
  type TuneOptions,
} from './tune.ts';

const PROFILES = ['balanced', 'high-connections', 'latency', 'off'];

/** Adds the commands of the tuner. */
export function addTuneCommands(program: Command, ended: (code: ExitCode) => void): void {
  const tune = program.command('tune').description("the kernel's settings for this load balancer: what, why, and back");
  const sub = (name: string, description: string): Command =>
    tune
      .command(name)
      .description(description)
      .option('--state-dir <dir>', 'keys and certificates of the node', '/var/lib/tospann')
      .option('--json', 'print data as JSON');
  const planned = (name: string, description: string): Command =>
    sub(name, description)
      .option('-c, --config <file>', 'configuration, the same on both nodes', '/etc/tospann/tospann.yaml')
      .addOption(new Option('--profile <name>', 'instead of that of the configuration').choices(PROFILES));
  planned('report', 'what drops users now, what is tight, which settings differ; exit code 4 when users are affected')
    .option('--sample <duration>', 'how long counters are watched', '1s')
    .option('--run-dir <dir>', 'sockets of the running node', '/run/tospann')
    .option('--all', 'also settings that are good as they are')
    .action(async (options: TuneOptions) => ended(await reportCommand(options)));
  planned('plan', 'what apply would change, and why')
    .option('--check', 'exit code 4 when there is something to change')
    .action(async (options: TuneOptions) => ended(await planCommand(options)));
  planned('apply', 'change it, with a journal for the way back')
    .option('--confirm-within <duration>', 'put everything back by itself unless "tune confirm" comes in time')
    .action(async (options: TuneOptions) => ended(await applyCommand(options)));
  sub('confirm', 'keep what was applied with --confirm-within').action((options: TuneOptions) =>
    ended(confirmCommand(options)),
  );
  sub('revert', 'put back every setting that is still as the tuner left it').action((options: TuneOptions) =>
    ended(revertCommand(options)),
  );
  sub('status', 'what the tuner has set, and whether it still is; exit code 4 when it is not').action(
    (options: TuneOptions) => ended(tuneStatusCommand(options)),
  );
  planned('audit', 'what each line of a sysctl.conf is worth; exit code 4 when lines should go')
    .argument('<file...>')
    .action(async (files: string[], options: AuditOptions) => ended(await auditCommand(files, options)));
  tune
    .command('guard', { hidden: true })
    .requiredOption('--state-dir <dir>')
    .action(async (options: { stateDir: string }) => ended(await guardCommand(options)));
}
