import { waitMs } from '../http/matrix-http.ts';
import { type CallName, callByName, callsThrough } from './calls-by-name.ts';
import type { CryptoEngine } from './crypto-engine.ts';

/** A call that hangs keeps nobody from stopping. */
const CLOSE_TIMEOUT_MS = 3_000;

/**
 * An engine that closes only when the calls under way are done, and takes none after: what they change of the keys is stored before the
 * store is closed, and whatever keeps the store can be let go of afterwards.
 */
export function closeInOrder(engine: CryptoEngine): CryptoEngine {
  const underWay = new Set<Promise<unknown>>();
  let isClosed = false;
  const callEngine = callByName(engine);

  async function call(name: CallName, args: unknown[]): Promise<unknown> {
    if (isClosed) throw new Error('The encryption of this device was stopped');
    const work = callEngine(name, args);
    underWay.add(work);
    return await work.finally(() => underWay.delete(work));
  }

  async function close(): Promise<void> {
    if (isClosed) return;
    isClosed = true;
    const limit = new AbortController();
    await Promise.race([Promise.allSettled(underWay), waitMs(CLOSE_TIMEOUT_MS, limit.signal).catch(() => undefined)]);
    limit.abort();
    await engine.close();
  }

  return { ...callsThrough(call), listen: engine.listen, close };
}
