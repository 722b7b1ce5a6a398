// The command line: names, options and help of every command; what each does is in its own file.
import { Command, CommanderError, Option } from 'commander';
import { version } from '../version.ts';
import { eventsCommand, type EventsOptions } from './events.ts';
import { Exit, type ExitCode, guardOutput, out, say } from './exit.ts';
import { failWith, outputFailed } from './failure.ts';
import { failoverCommand, type FailoverOptions } from './failover.ts';
import { importCommand, type ImportOptions } from './import.ts';
import { maintenanceCommand, type MaintenanceOptions } from './maintenance.ts';
import { reloadCommand, upgradeCommand, type OperationOptions } from './operation.ts';
import { planCommand, type PlanOptions } from './plan.ts';
import { runNode, type RunOptions } from './run.ts';
import { changeServerCommand, listServersCommand, type ServersOptions } from './servers.ts';
import { statusCommand, type StatusOptions } from './status.ts';
import { tokenCommand } from './token.ts';
import { addTuneCommands } from './tune-commands.ts';
import { validateCommand, type ValidateOptions } from './validate.ts';
import { versionCommand } from './version.ts';

const CONFIG_DEFAULT = '/etc/tospann/tospann.yaml';
const configOption = (): Option =>
  new Option('-c, --config <file>', 'configuration, the same on both nodes').default(CONFIG_DEFAULT);
const runDirOption = (): Option => new Option('--run-dir <dir>', 'sockets of the running node').default('/run/tospann');
const stateDirOption = (): Option =>
  new Option('--state-dir <dir>', 'keys and certificates of the node').default('/var/lib/tospann');
const jsonOption = (): Option => new Option('--json', 'print data as JSON');
const lastOption = (): Option =>
  new Option('--force', 'also the last one of its backend that takes traffic; exit code 6 without it');
const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** Runs one command of the command line and sets the exit code; `run` returns only when the node has ended. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  let code: ExitCode = Exit.ok;
  guardOutput(outputFailed);
  const program = makeProgram((ended) => (code = ended));
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    code = exitCodeOf(error);
  }
  process.exitCode = code;
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.ok : Exit.usage;
  return failWith(error);
}

function makeProgram(ended: (code: ExitCode) => void): Command {
  const program = new Command('tospann')
    .description('Two nodes, one load balancer: proxy, failover and console in one program.')
    .version(version, '-V, --version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => out(linesOf(text)), writeErr: (text) => say(linesOf(text)) })
    .showHelpAfterError('(run with --help for the options)');
  addNodeCommands(program, ended);
  addOperationCommands(program, ended);
  addServerCommands(program, ended);
  addFileCommands(program, ended);
  addTuneCommands(program, ended);
  return program;
}

function linesOf(text: string): readonly string[] {
  return text.trimEnd().split('\n');
}

function addNodeCommands(program: Command, ended: (code: ExitCode) => void): void {
  program
    .command('run')
    .description('run this node in the foreground')
    .addOption(configOption())
    .option('--node <name>', 'which node of the configuration this is (default: by host name, then by address)')
    .addOption(runDirOption())
    .addOption(stateDirOption())
    .addOption(new Option('--rehearse', 'try all that a start can fail at; asked by an upgrade').hideHelp())
    .action(async (options: RunOptions) => ended(await runNode(options)));
  program
    .command('status')
    .description('show both nodes; exit code 4 when the pair is degraded')
    .addOption(runDirOption())
    .addOption(jsonOption())
    .option('--watch', 'print again every second')
    .action(async (options: StatusOptions) => ended(await statusCommand(options)));
  program
    .command('failover')
    .description('move the virtual addresses to the node that owns none; exit code 6 when that is refused')
    .option('--to <node>', 'the node that is to own them; one that owns them already is no failure')
    .option('--dry-run', 'only say what would move, and what speaks against it')
    .option('--force', 'though the other node lacks something; what nobody takes stays here')
    .addOption(runDirOption())
    .addOption(jsonOption())
    .action(async (options: FailoverOptions) => ended(await failoverCommand(options)));
  program
    .command('maintenance')
    .description('take this node out of service, also over a reboot, or let it in again; exit code 6 when refused')
    .argument('<on|off>')
    .option('--reason <text>', 'why, for whoever looks at the pair')
    .option('--force', 'though the other node cannot serve')
    .addOption(runDirOption())
    .addOption(jsonOption())
    .action(async (wish: string, options: MaintenanceOptions) => ended(await maintenanceCommand(wish, options)));
  program
    .command('events')
    .description('show what happened on this node')
    .option('--follow', 'go on as it happens')
    .option('--since <number|duration>', 'after the event of this number, or from so long ago, for instance 10m')
    .option('--kind <kind>', 'only these kinds, with commas: vrrp-state,server-state')
    .addOption(runDirOption())
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action(async (options: EventsOptions) => ended(await eventsCommand(options)));
  program
    .command('token')
    .description('print the token that the console asks for')
    .addOption(stateDirOption())
    .action((options: { stateDir: string }) => ended(tokenCommand(options)));
}

function addOperationCommands(program: Command, ended: (code: ExitCode) => void): void {
  program
    .command('reload')
    .description('serve the configuration file as it is now; exit code 3 when it is not valid')
    .addOption(runDirOption())
    .addOption(jsonOption())
    .action(async (options: OperationOptions) => ended(await reloadCommand(options)));
  program
    .command('upgrade')
    .description('go over to the program that is installed now, without losing a connection')
    .option('--force', 'though it is the one that runs already')
    .addOption(runDirOption())
    .addOption(jsonOption())
    .action(async (options: OperationOptions) => ended(await upgradeCommand(options)));
}

function addServerCommands(program: Command, ended: (code: ExitCode) => void): void {
  const servers = program.command('servers').description('show servers, take them out of turn and put them back');
  const sub = (name: string, description: string): Command =>
    servers.command(name).description(description).addOption(runDirOption()).addOption(jsonOption());
  sub('list', 'all servers of this node and why each is as it is').action(async (options: ServersOptions) =>
    ended(await listServersCommand(options)),
  );
  const states = {
    ready: 'serve as configured again',
    drain: 'no new sessions; those that the server has stay',
    maint: 'nothing at all, whatever the checks say',
  } as const;
  for (const action of ['ready', 'drain', 'maint'] as const) {
    const command = sub(action, `${states[action]}; kept over reloads and restarts`).argument('<backend/server>');
    if (action !== 'ready') command.addOption(lastOption());
    command
      .option('--wait <duration>', 'wait until no session is left, for instance 60s; exit code 1 when some are')
      .action(async (target: string, options: ServersOptions) =>
        ended(await changeServerCommand({ action, target }, options)),
      );
  }
  sub('weight', 'another weight, 0 to 256, or "configured"; kept over reloads and restarts')
    .argument('<backend/server>')
    .argument('<weight>')
    .addOption(lastOption())
    .action(async (target: string, value: string, options: ServersOptions) =>
      ended(await changeServerCommand({ action: 'weight', target, value }, options)),
    );
}

function addFileCommands(program: Command, ended: (code: ExitCode) => void): void {
  program
    .command('validate')
    .description('check a configuration; exit code 3 when it is not valid')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: ValidateOptions) => ended(await validateCommand(options)));
  program
    .command('plan')
    .description('what a configuration would change here, and who owns the addresses after each fault')
    .addOption(configOption())
    .addOption(runDirOption())
    .addOption(jsonOption())
    .action(async (options: PlanOptions) => ended(await planCommand(options)));
  program
    .command('import')
    .description('make one pair configuration of HAProxy, keepalived and sysctl files')
    .option('--haproxy <file>', 'haproxy.cfg, once for each old node', collect, [])
    .option('--keepalived <file>', 'keepalived.conf, once for each old node', collect, [])
    .option('--sysctl <file>', 'sysctl.conf, once for each old node', collect, [])
    .option('--node-address <name=address>', "a node's own address, once for each node and family", collect, [])
    .option('--env <name=value>', 'an environment variable of the old HAProxy, once for each', collect, [])
    .option('-o, --output <file>', 'write the configuration here (default: standard output)')
    .option('--force', 'put it in the place of a file that is there')
    .addOption(jsonOption())
    .action(async (options: ImportOptions) => ended(await importCommand(options)));
  program
    .command('version')
    .description('print the version of the program and its runtime')
    .addOption(jsonOption())
    .action((options: { json?: boolean }) => ended(versionCommand(options)));
}
