// Whether the program that is installed now is the one that runs: by its bytes, as a version number says nothing of a build.
import { open, stat } from 'node:fs/promises';
import { isSea } from 'node:sea';
import { ownCommand } from '../assets.ts';

/** The program of this process, also when its file has been replaced. */
const RUNNING = '/proc/self/exe';
const CHUNK_BYTES = 1 << 20;

/** False also when it cannot be told: run from source the executable is Node's. */
export async function isSameProgram(): Promise<boolean> {
  return isSea() && (await isSameFile(RUNNING, ownCommand().file));
}

/** Whether two files have the same bytes; read beside everything else, a piece at a time. @throws What the system says. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  const [facts, otherFacts] = await Promise.all([stat(one), stat(other)]);
  if (facts.dev === otherFacts.dev && facts.ino === otherFacts.ino) return true;
  if (facts.size !== otherFacts.size) return false;
  await using file = await open(one, 'r');
  await using otherFile = await open(other, 'r');
  const [piece, otherPiece] = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)];
  for (let at = 0; at < facts.size;) {
    const { bytesRead } = await file.read(piece, 0, CHUNK_BYTES, at);
    const { bytesRead: otherRead } = await otherFile.read(otherPiece, 0, bytesRead, at);
    if (bytesRead === 0 || bytesRead !== otherRead) return false;
    if (!piece.subarray(0, bytesRead).equals(otherPiece.subarray(0, bytesRead))) return false;
    at += bytesRead;
  }
  return true;
}
