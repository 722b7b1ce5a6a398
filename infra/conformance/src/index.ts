// Names of the conformance room for its own tests. The commands are corpus.ts, differential.ts, abuse.ts and crowds.ts.
export { crowdWays, figuresOf, isServed, playCrowd } from './abuse-crowds.ts';
export { playAbuse } from './abuse-run.ts';
export { corpus, type CorpusResults, playCorpus } from './corpus-run.ts';
export { printReport } from './differential-report.ts';
export { Differential, startAll } from './differential-run.ts';
export { gateFaults } from './gates.ts';
export { readImportCases, type ImportCase } from './import-cases.ts';
export { ImportRunner, type ImportOutcome, type Surprise } from './import-run.ts';
