import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Pool } from '../../storage/database.ts';
import { type DeviceSighting, updateLastSeen } from '../../storage/devices.ts';

/** Notes when and from where devices are heard of; stored now and then, never in the way of a request. */
export type LastSeen = AsyncDisposable & { note(userNid: number, deviceId: string, ip: string): void };

const FLUSH_MS = 60_000;
/** A device heard of again within this time keeps its stored time. */
const RESOLUTION_MS = 300_000;
const MAX_PENDING = 20_000;

export function createLastSeen({ pool, clock, logger }: { pool: Pool; clock: Clock; logger: Logger }): LastSeen {
  const pending = new Map<string, DeviceSighting>();
  const stored = new Map<string, DeviceSighting>();

  function note(userNid: number, deviceId: string, ip: string): void {
    const key = `${userNid} ${deviceId}`;
    const seenAt = clock.now();
    const before = stored.get(key);
    if (before !== undefined && before.ip === ip && seenAt - before.seenAt < RESOLUTION_MS) return;
    if (pending.size < MAX_PENDING || pending.has(key)) pending.set(key, { userNid, deviceId, ip, seenAt });
  }

  async function flush(): Promise<void> {
    if (pending.size === 0) return;
    const sightings = [...pending.values()];
    if (stored.size + pending.size > MAX_PENDING) stored.clear();
    for (const [key, sighting] of pending) stored.set(key, sighting);
    pending.clear();
    await updateLastSeen(pool, sightings).catch((error: unknown) => logger.warn({ error }, 'could not store when devices were last seen'));
  }

  const timer = setInterval(() => void flush(), FLUSH_MS);
  timer.unref();
  return {
    note,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await flush();
    },
  };
}
