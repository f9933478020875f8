import type { Clock } from '../../src/platform/clock.ts';

export type FakeClock = Clock & { advance(ms: number): void };

/** A clock that stands still until it is told to go on. */
export function createFakeClock(startMs = Date.now()): FakeClock {
  let now = startMs;
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}
