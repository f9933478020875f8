import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Logger } from '../../platform/logger.ts';

const TIMEOUT_MS = 10_000;
/** How many servers are asked at a time, each for one list after the other: a slow one holds up nobody else. */
const MAX_SERVERS = 50;
/** How many lists of one server wait. What is more is asked for once somebody wants it. */
const MAX_WAITING = 500;
/** After so many failures in a row no more lists of a server are asked for. */
const MAX_FAILURES = 3;

/** Has somebody's device list asked for soon; who waits already, waits once. */
export type ResyncLater = (userId: string, userNid: number) => void;

type Deps = { refresh: (userId: string, userNid: number, timeoutMs: number) => Promise<void>; logger: Logger };

/**
 * Asks for device lists of which an update was missed, without waiting until a client wants them: their server is there now.
 * https://spec.matrix.org/latest/server-server-api/#device-management
 */
export function createResyncs({ refresh, logger }: Deps): ResyncLater {
  const waiting = new Map<string, Map<number, string>>();

  /** One list after the other; when some cannot be had, the others could not be either. */
  async function work(server: string, queue: Map<number, string>): Promise<void> {
    let failures = 0;
    for (const [userNid, userId] of queue) {
      queue.delete(userNid);
      try {
        await refresh(userId, userNid, TIMEOUT_MS);
        failures = 0;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        logger.info({ userId, reason }, 'a device list could not be had; it is asked for again when it is wanted');
        failures += 1;
        if (failures === MAX_FAILURES) break;
      }
    }
    waiting.delete(server);
  }

  return (userId, userNid) => {
    const server = serverNameOf(userId) ?? '';
    const queue = waiting.get(server);
    if (queue !== undefined) {
      if (queue.size < MAX_WAITING) queue.set(userNid, userId);
      return;
    }
    if (waiting.size >= MAX_SERVERS) return;
    const started = new Map([[userNid, userId]]);
    waiting.set(server, started);
    void work(server, started);
  };
}
