import { Worker } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import { createFairSlots } from '../../../platform/fair-slots.ts';
import { type ResolutionJob, runResolution } from './resolution-job.ts';
import type { ResolutionResult } from './resolution-worker.ts';

/** With more events than this a resolution is done in a thread of its own: some milliseconds, of which the main loop has none to spare. */
const MAX_EVENTS_HERE = 200;
/** A resolution that takes longer is given up, and with it the events that need it. */
const MAX_JOB_MS = 30_000;
/** Resolutions of one room that wait for the thread. */
const MAX_WAITING_OF_ROOM = 200;
/** A room with such a resolution does not get at the thread again for so long: it would keep all other rooms from it. */
const REST_MS = 600_000;
const MAX_RESTING_ROOMS = 1_000;

/**
 * Resolves states of rooms, which are known by number; the large ones beside the main loop, in a thread that starts with the first of them:
 * one at a time, the rooms in turn.
 */
export type ResolutionThread = AsyncDisposable & { run: (roomNid: number, job: ResolutionJob) => Promise<[string, string][]> };

export function createResolutionThread({ maxJobMs = MAX_JOB_MS } = {}): ResolutionThread {
  const slots = createFairSlots({ total: 1, perName: 1, maxWaiting: MAX_WAITING_OF_ROOM });
  const resting = new LRUCache<number, true>({ max: MAX_RESTING_ROOMS, ttl: REST_MS });
  let worker: Worker | undefined;
  let nextId = 0;

  function start(): Worker {
    const started = new Worker(new URL('./resolution-worker.ts', import.meta.url));
    started.unref();
    return started;
  }

  async function runBeside(roomNid: number, job: ResolutionJob): Promise<[string, string][]> {
    const { promise, resolve, reject } = Promise.withResolvers<[string, string][]>();
    worker ??= start();
    const thread = worker;
    nextId += 1;
    const id = nextId;
    const take = (result: ResolutionResult) => {
      if (result.id !== id) return;
      if (result.ok) resolve(result.resolved);
      else reject(new Error(`the state could not be resolved: ${result.reason}`));
    };
    const giveUp = (error: Error) => {
      worker = undefined;
      void thread.terminate();
      reject(error);
    };
    const timer = setTimeout(() => {
      resting.set(roomNid, true);
      giveUp(new Error(`a state was not resolved within ${maxJobMs} ms`));
    }, maxJobMs);
    timer.unref();
    thread.on('message', take).once('error', giveUp);
    thread.postMessage({ id, job });
    return await promise.finally(() => {
      clearTimeout(timer);
      thread.off('message', take).off('error', giveUp);
    });
  }

  function refuseResting(roomNid: number): void {
    if (resting.has(roomNid)) throw new Error('the states of this room take too long to resolve');
  }

  return {
    run: async (roomNid, job) => {
      if (job.events.length <= MAX_EVENTS_HERE) return runResolution(job);
      refuseResting(roomNid);
      return await slots.run(String(roomNid), async () => {
        refuseResting(roomNid);
        return await runBeside(roomNid, job);
      });
    },
    [Symbol.asyncDispose]: async () => void (await worker?.terminate()),
  };
}
