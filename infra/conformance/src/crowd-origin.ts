// The server of the crowd rows as a process: prints `port N` and serves until it is killed or its parent is gone.
import { AbuseOrigin } from './abuse-ends.ts';

const origin = await AbuseOrigin.open();
process.stdout.write(`port ${origin.port}\n`);
process.stdin.on('end', () => process.exit(0)).resume();
