import { waitMs } from '../http/matrix-http.ts';
import type { CryptoCalls, CryptoEngine } from './crypto-engine.ts';
import { callNames } from './crypto-port.ts';

/** A call that hangs keeps nobody from stopping. */
const CLOSE_TIMEOUT_MS = 3_000;

/**
 * An engine that closes only when the calls under way are done, and takes none after: what they change of the keys is stored before the
 * store is closed, and whatever keeps the store can be let go of afterwards.
 */
export function closeInOrder(engine: CryptoEngine): CryptoEngine {
  const underWay = new Set<Promise<unknown>>();
  let isClosed = false;
  const calls = engine as unknown as Record<keyof CryptoCalls, (...args: unknown[]) => Promise<unknown>>;

  async function call(name: keyof CryptoCalls, args: unknown[]): Promise<unknown> {
    if (isClosed) throw new Error('The encryption of this device was stopped');
    const work = calls[name](...args);
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

  const guarded = Object.fromEntries(callNames().map((name) => [name, (...args: unknown[]) => call(name, args)]));
  return { ...(guarded as unknown as CryptoCalls), listen: engine.listen, close };
}
