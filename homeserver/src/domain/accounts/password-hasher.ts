import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { limitExceeded } from '../../platform/matrix-error.ts';
import type { PasswordJob, PasswordResult } from './password-worker.ts';

export type PasswordHasher = AsyncDisposable & {
  /** @throws M_LIMIT_EXCEEDED when too many wait already */
  hash(password: string): Promise<string>;
  /** Compares in the same time whether or not there is a hash, so that nobody learns from it who has an account. */
  compare(password: string, hash: string | undefined): Promise<boolean>;
};

/** Passwords that wait for a worker; more are told to come back. */
const MAX_WAITING = 64;
const MAX_WORKERS = 2;
const RETRY_AFTER_MS = 2_000;
const STRAND_MESSAGE = 'The password worker ended before it answered';

type Draft = { kind: 'hash'; password: string; cost: number } | { kind: 'compare'; password: string; hash: string };
type Waiting = { draft: Draft; resolve: (result: PasswordResult) => void; reject: (error: Error) => void };
type Lane = { worker: Worker; busy: Waiting | undefined };

/** Hashes passwords with bcrypt in threads of their own, which start with the first password. */
export function createPasswordHasher({ cost }: { cost: number }): PasswordHasher {
  const lanes: Lane[] = [];
  const waiting: Waiting[] = [];
  const maxLanes = Math.min(MAX_WORKERS, availableParallelism());
  let nextId = 0;
  let decoy: Promise<string> | undefined;

  function startLane(): Lane {
    const worker = new Worker(new URL('./password-worker.ts', import.meta.url));
    const lane: Lane = { worker, busy: undefined };
    worker.unref();
    worker.on('message', (result: PasswordResult) => {
      const done = lane.busy;
      lane.busy = undefined;
      worker.unref();
      done?.resolve(result);
      feed();
    });
    worker.on('error', (error) => strand(lane, error));
    worker.on('exit', () => strand(lane, new Error(STRAND_MESSAGE)));
    lanes.push(lane);
    return lane;
  }

  function strand(lane: Lane, error: unknown): void {
    const index = lanes.indexOf(lane);
    if (index !== -1) lanes.splice(index, 1);
    lane.busy?.reject(new Error('A password could not be hashed', { cause: error }));
    lane.busy = undefined;
    feed();
  }

  function feed(): void {
    while (waiting.length > 0) {
      const lane = lanes.find(({ busy }) => busy === undefined) ?? (lanes.length < maxLanes ? startLane() : undefined);
      const next = lane === undefined ? undefined : waiting.shift();
      if (lane === undefined || next === undefined) return;
      lane.busy = next;
      lane.worker.ref();
      nextId += 1;
      const job: PasswordJob = { id: nextId, ...next.draft };
      lane.worker.postMessage(job);
    }
  }

  async function run(draft: Draft): Promise<PasswordResult> {
    if (waiting.length >= MAX_WAITING) throw limitExceeded(RETRY_AFTER_MS);
    return await new Promise((resolve, reject) => {
      waiting.push({ draft, resolve, reject });
      feed();
    });
  }

  async function hash(password: string): Promise<string> {
    const result = await run({ kind: 'hash', password, cost });
    if (!('hash' in result)) throw new Error('The password worker answered another question');
    return result.hash;
  }

  async function compare(password: string, stored: string | undefined): Promise<boolean> {
    decoy ??= hash('nobody has this password').catch((error: unknown) => {
      decoy = undefined;
      throw error;
    });
    const result = await run({ kind: 'compare', password, hash: stored ?? (await decoy) });
    return stored !== undefined && 'matches' in result && result.matches;
  }

  return {
    hash,
    compare,
    async [Symbol.asyncDispose]() {
      await Promise.all(lanes.splice(0).map(({ worker }) => worker.terminate()));
    },
  };
}
