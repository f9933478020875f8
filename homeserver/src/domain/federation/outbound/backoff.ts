import type { Random } from '../../../platform/random.ts';

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 3_600_000;
const JITTER = 0.3;
const RESOLUTION = 1_000;

/** How long to wait after so many failures in a row: twice as long each time up to an hour, and by chance up to 30 % more, so that not all come back at once. */
export function retryDelayMs(failures: number, random: Random): number {
  return Math.round(plainRetryDelayMs(failures) * (1 + (JITTER * random.integer(RESOLUTION)) / RESOLUTION));
}

/** The same without what chance adds. */
export function plainRetryDelayMs(failures: number): number {
  return Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1));
}
