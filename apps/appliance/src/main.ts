// The program `tospann`. Without TOSPANN_ROLE it is the command line; with it, one of the supervisor's children.
import { runModule } from './modules.ts';

runModule(process.env['TOSPANN_ROLE'], process.argv).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
