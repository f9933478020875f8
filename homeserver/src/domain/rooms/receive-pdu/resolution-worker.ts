import { parentPort } from 'node:worker_threads';
import { type ResolutionJob, runResolution } from './resolution-job.ts';

/** What becomes of a job in the other thread. */
export type ResolutionResult = { id: number } & ({ ok: true; resolved: [string, string][] } | { ok: false; reason: string });

parentPort?.on('message', ({ id, job }: { id: number; job: ResolutionJob }) => {
  try {
    parentPort?.postMessage({ id, ok: true, resolved: runResolution(job) } satisfies ResolutionResult);
  } catch (error) {
    parentPort?.postMessage({ id, ok: false, reason: error instanceof Error ? error.message : String(error) } satisfies ResolutionResult);
  }
});
