// Applies a plan of the tuner to the namespace it runs in and dies by SIGKILL at one step of it: the crash that the way
// back must survive. Arguments: state directory, number of the step (0: right after the first record of the journal).
import { applyPlan, makePlan, readFacts, SystemRoot, tunerDirectory, USUAL_WISHES } from '../src/index.ts';

const [stateDir = '', crashAt = '0'] = process.argv.slice(2);
let step = 0;

await applyPlan({
  root: new SystemRoot(),
  directory: tunerDirectory(stateDir),
  version: 'crash test',
  plan: () => makePlan(readFacts(), USUAL_WISHES),
  conntrackIsModule: false,
  at: new Date().toISOString(),
  onStep: () => {
    if (step++ === Number(crashAt)) process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write(`no crash: ${step} steps\n`);
