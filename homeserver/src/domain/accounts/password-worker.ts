import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import bcrypt from 'bcryptjs';

export type PasswordJob =
  | { id: number; kind: 'hash'; password: string; cost: number }
  | { id: number; kind: 'compare'; password: string; hash: string };
export type PasswordResult = { id: number; hash: string } | { id: number; matches: boolean };

/** bcrypt reads 72 bytes and stops at a zero byte: a digest in base64 carries the whole password past both. */
function digest(password: string): string {
  return createHash('sha256').update(password, 'utf8').digest('base64');
}

function work(job: PasswordJob): PasswordResult {
  if (job.kind === 'hash') return { id: job.id, hash: bcrypt.hashSync(digest(job.password), job.cost) };
  return { id: job.id, matches: bcrypt.compareSync(digest(job.password), job.hash) };
}

parentPort?.on('message', (job: PasswordJob) => parentPort?.postMessage(work(job)));
