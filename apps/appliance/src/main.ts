// The program `tospann`. Without TOSPANN_ROLE it is the command line; with it, one of the supervisor's children.
import { runAdminChild } from './children/admin.ts';
import { runProxyChild } from './children/proxy.ts';
import { runVrrpChild } from './children/vrrp.ts';
import { runCommandLine } from './cli/program.ts';

switch (process.env['TOSPANN_ROLE']) {
  case 'proxy':
    runProxyChild();
    break;
  case 'vrrp':
    runVrrpChild();
    break;
  case 'admin':
    runAdminChild();
    break;
  default:
    await runCommandLine(process.argv);
}
