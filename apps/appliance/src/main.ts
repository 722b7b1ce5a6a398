// The program `tospann`. Without TOSPANN_ROLE it is the command line; with it, one of the supervisor's children.
import { runCommandLine } from './cli/program.ts';
import { childOf } from './modules.ts';

const runChild = childOf(process.env['TOSPANN_ROLE']);
if (runChild === undefined) await runCommandLine(process.argv);
else runChild();
