// The program `tospann`. Without TOSPANN_ROLE it is the command line; with it, one of the supervisor's children.
import { plainText } from '@tospann/errors';
import { runModule } from './modules.ts';

runModule(process.env['TOSPANN_ROLE'], process.argv).catch((error: unknown) => {
  process.stderr.write(`${plainText(String(error instanceof Error ? error.stack : error))}\n`);
  process.exit(1);
});
