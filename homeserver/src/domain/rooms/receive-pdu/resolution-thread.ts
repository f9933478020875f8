import { Worker } from 'node:worker_threads';
import { type ResolutionJob, runResolution } from './resolution-job.ts';
import type { ResolutionResult } from './resolution-worker.ts';

/** With more events than this a resolution is done in a thread of its own: some milliseconds, of which the main loop has none to spare. */
const MAX_EVENTS_HERE = 200;
/** A resolution that takes longer is given up, and with it the events that need it. */
const MAX_JOB_MS = 60_000;

/** Resolves states; the large ones beside the main loop, in a thread that starts with the first of them. */
export type ResolutionThread = AsyncDisposable & { run: (job: ResolutionJob) => Promise<[string, string][]> };

type Waiting = { resolve: (resolved: [string, string][]) => void; reject: (error: Error) => void; timer: NodeJS.Timeout };

export function createResolutionThread(): ResolutionThread {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let nextId = 0;

  function start(): Worker {
    const started = new Worker(new URL('./resolution-worker.ts', import.meta.url));
    started.on('message', (result: ResolutionResult) => {
      const job = take(result.id);
      if (result.ok) job?.resolve(result.resolved);
      else job?.reject(new Error(`the state could not be resolved: ${result.reason}`));
    });
    started.on('error', (error) => giveUp(error));
    started.unref();
    return started;
  }

  function take(id: number): Waiting | undefined {
    const job = waiting.get(id);
    waiting.delete(id);
    clearTimeout(job?.timer);
    return job;
  }

  /** What runs in the thread ends with it. */
  function giveUp(error: Error): void {
    void worker?.terminate();
    worker = undefined;
    for (const id of [...waiting.keys()]) take(id)?.reject(error);
  }

  return {
    run: async (job) => {
      if (job.events.length <= MAX_EVENTS_HERE) return runResolution(job);
      worker ??= start();
      nextId += 1;
      const id = nextId;
      const done = new Promise<[string, string][]>((resolve, reject) => {
        const timer = setTimeout(() => giveUp(new Error(`a state was not resolved within ${MAX_JOB_MS} ms`)), MAX_JOB_MS);
        timer.unref();
        waiting.set(id, { resolve, reject, timer });
      });
      worker.postMessage({ id, job });
      return await done;
    },
    [Symbol.asyncDispose]: async () => void (await worker?.terminate()),
  };
}
