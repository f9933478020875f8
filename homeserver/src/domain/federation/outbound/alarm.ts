/** How soon those are looked at again that are due but would only stand in line. */
const MIN_TICK_MS = 100;

/**
 * Wakes the queues of servers that are to be tried again later: one timer for all of them, and nothing else while they sleep. Of those
 * that fell due together only so many are woken as can be tried.
 */
export type Alarm = {
  /** The server is to be tried when its wait is over. */
  set: (destination: string) => void;
  /** The wait may have become shorter. */
  lookAgain: (destination: string) => void;
  /** How many servers sleep. */
  count: () => number;
  stop: () => void;
};

type Deps = {
  /** How long a server is still to be left alone. */
  waitMs: (destination: string) => number;
  /** Whether it has shown no sign of life. */
  isAway: (destination: string) => boolean;
  /** Whether enough servers are being tried that may well be away. */
  isLineFull: () => boolean;
  ring: (destination: string) => void;
};

export function createAlarm({ waitMs, isAway, isLineFull, ring }: Deps): Alarm {
  const sleeping = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let firesAt = Number.POSITIVE_INFINITY;
  let isStopped = false;

  function fireIn(ms: number): void {
    const at = performance.now() + ms;
    if (at >= firesAt || isStopped) return;
    clearTimeout(timer);
    timer = setTimeout(fire, ms);
    firesAt = at;
  }

  function fire(): void {
    firesAt = Number.POSITIVE_INFINITY;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const destination of sleeping) {
      const leftMs = waitMs(destination);
      if (leftMs > 0 || (isAway(destination) && isLineFull())) {
        nextMs = Math.min(nextMs, leftMs);
        continue;
      }
      sleeping.delete(destination);
      ring(destination);
    }
    if (Number.isFinite(nextMs)) fireIn(Math.max(nextMs, MIN_TICK_MS));
  }

  return {
    set: (destination) => {
      if (sleeping.has(destination)) return;
      sleeping.add(destination);
      fireIn(waitMs(destination));
    },
    lookAgain: (destination) => {
      if (sleeping.has(destination)) fireIn(waitMs(destination));
    },
    count: () => sleeping.size,
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
