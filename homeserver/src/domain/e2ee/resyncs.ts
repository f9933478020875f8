import type { Logger } from '../../platform/logger.ts';

const TIMEOUT_MS = 10_000;
/** How many device lists are asked for at a time, and how many wait. What is more is asked for once somebody wants it. */
const MAX_AT_ONCE = 5;
const MAX_WAITING = 1_000;

/** Has somebody's device list asked for soon; who waits already, waits once. */
export type ResyncLater = (userId: string, userNid: number) => void;

type Deps = { refresh: (userId: string, userNid: number, timeoutMs: number) => Promise<void>; logger: Logger };

/**
 * Asks for device lists of which an update was missed, without waiting until a client wants them: its server is there now.
 * https://spec.matrix.org/latest/server-server-api/#device-management
 */
export function createResyncs({ refresh, logger }: Deps): ResyncLater {
  const waiting = new Map<number, string>();
  let running = 0;

  async function work(): Promise<void> {
    for (let next = takeNext(); next !== undefined; next = takeNext()) {
      const [userNid, userId] = next;
      try {
        await refresh(userId, userNid, TIMEOUT_MS);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        logger.info({ userId, reason }, 'a device list could not be had; it is asked for again when it is wanted');
      }
    }
  }

  function takeNext(): [number, string] | undefined {
    const [next] = waiting;
    if (next !== undefined) waiting.delete(next[0]);
    return next;
  }

  return (userId, userNid) => {
    if (waiting.size >= MAX_WAITING) return;
    waiting.set(userNid, userId);
    if (running >= MAX_AT_ONCE) return;
    running += 1;
    void work().finally(() => {
      running -= 1;
    });
  };
}
