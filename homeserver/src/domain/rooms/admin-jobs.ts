import { LRUCache } from 'lru-cache';
import type { Logger } from '../../platform/logger.ts';
import type { Random } from '../../platform/random.ts';

/** How many jobs are remembered, and how much chance is in their ids. */
const MAX_JOBS = 1_000;
const ID_BITS = 96;

export type AdminJob = { id: string; roomId: string; status: 'active' | 'complete' | 'failed'; error?: string; result?: unknown };

/** What an admin has set going and asks about later. A restart forgets it. */
export type AdminJobs = {
  start: (roomId: string, work: () => Promise<unknown>) => string;
  find: (id: string) => AdminJob | undefined;
  listOfRoom: (roomId: string) => AdminJob[];
  /** Resolves when none is under way. */
  settled: () => Promise<void>;
};

export function createAdminJobs({ random, logger }: { random: Random; logger: Logger }): AdminJobs {
  const jobs = new LRUCache<string, AdminJob>({ max: MAX_JOBS });
  const running = new Set<Promise<void>>();

  async function run(job: AdminJob, work: () => Promise<unknown>): Promise<void> {
    try {
      job.result = await work();
      job.status = 'complete';
    } catch (error) {
      logger.error({ err: error, roomId: job.roomId }, 'what an admin has set going has failed');
      job.status = 'failed';
      job.error = error instanceof Error ? error.message : String(error);
    }
  }

  return {
    start: (roomId, work) => {
      const job: AdminJob = { id: random.text(ID_BITS), roomId, status: 'active' };
      jobs.set(job.id, job);
      const done = run(job, work).finally(() => running.delete(done));
      running.add(done);
      return job.id;
    },
    find: (id) => jobs.get(id),
    listOfRoom: (roomId) => [...jobs.values()].filter((job) => job.roomId === roomId),
    settled: async () => void (await Promise.all(running)),
  };
}
