import { Worker } from 'node:worker_threads';
import { limitExceeded, tooLarge, unknown } from '../../platform/matrix-error.ts';
import type { ThumbnailSize } from '../../storage/media.ts';
import type { Drawing, ThumbnailJob, ThumbnailResult } from './thumbnail-worker.ts';

/** Thumbnails that wait for the worker; more are told to come back. */
const MAX_WAITING = 200;
const RETRY_AFTER_MS = 2_000;
/** The worker is ended when one image takes longer. */
const MAX_JOB_MS = 20_000;

export type Thumbnailer = AsyncDisposable & {
  /**
   * Draws an image smaller; says so when it is small enough already. Throws M_UNKNOWN for what is no readable image, M_TOO_LARGE for too
   * many pixels, M_LIMIT_EXCEEDED when too many images wait.
   */
  draw: (image: Uint8Array, size: ThumbnailSize) => Promise<Drawing | 'small-enough'>;
  /** How large an image is, in pixels as it is seen. Throws as `draw` does. */
  measure: (image: Uint8Array) => Promise<{ width: number; height: number }>;
};

type Waiting = { job: ThumbnailJob; resolve: (result: ThumbnailResult) => void; reject: (error: Error) => void };

/** Draws in a thread of its own, which starts with the first image; one image at a time, so that a bomb costs itself only. */
export function createThumbnailer(): Thumbnailer {
  const waiting: Waiting[] = [];
  let worker: Worker | undefined;
  let busy: (Waiting & { timer: NodeJS.Timeout }) | undefined;
  let nextId = 0;

  function start(): Worker {
    const started = new Worker(new URL('./thumbnail-worker.ts', import.meta.url));
    started.on('message', (result: ThumbnailResult) => finish((job) => job.resolve(result)));
    started.on('error', (error) => {
      worker = undefined;
      finish((job) => job.reject(error));
    });
    started.unref();
    return started;
  }

  function finish(settle: (job: Waiting) => void): void {
    const done = busy;
    busy = undefined;
    if (done === undefined) return;
    clearTimeout(done.timer);
    settle(done);
    feed();
  }

  function feed(): void {
    const next = busy === undefined ? waiting.shift() : undefined;
    if (next === undefined) return;
    worker ??= start();
    const timer = setTimeout(() => {
      void worker?.terminate();
      worker = undefined;
      finish((job) => job.reject(unknown('The image takes too long to read.')));
    }, MAX_JOB_MS);
    busy = { ...next, timer };
    worker.postMessage(next.job);
  }

  async function run(image: Uint8Array, size: ThumbnailSize | undefined): Promise<ThumbnailResult> {
    if (waiting.length >= MAX_WAITING) throw limitExceeded(RETRY_AFTER_MS);
    const result = await new Promise<ThumbnailResult>((resolve, reject) => {
      nextId += 1;
      waiting.push({ job: { id: nextId, image, size }, resolve, reject });
      feed();
    });
    if (result.kind === 'unreadable') throw unknown(`No thumbnail can be made: ${result.reason}`);
    if (result.kind === 'too-large') throw tooLarge('Images of so many pixels have no thumbnail.');
    return result;
  }

  return {
    draw: async (image, size) => {
      const result = await run(image, size);
      return result.kind === 'drawn' ? result.drawing : 'small-enough';
    },
    measure: async (image) => {
      const result = await run(image, undefined);
      return result.kind === 'measured' ? result : { width: 0, height: 0 };
    },
    [Symbol.asyncDispose]: async () => void (await worker?.terminate()),
  };
}
