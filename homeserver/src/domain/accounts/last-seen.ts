import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Pool } from '../../storage/database.ts';
import { type DeviceSighting, updateLastSeen } from '../../storage/devices.ts';

/** Notes when and from where devices are heard of; stored now and then, never in the way of a request. */
export type LastSeen = AsyncDisposable & {
  note(sighting: Omit<DeviceSighting, 'seenAt'>): void;
  /** A sighting that is not stored yet. */
  find(userNid: number, deviceId: string): DeviceSighting | undefined;
};

const FLUSH_MS = 60_000;
/** A device heard of again within this time keeps its stored time. */
const RESOLUTION_MS = 300_000;
const MAX_PENDING = 20_000;
const MAX_USER_AGENT_CHARACTERS = 512;

export function createLastSeen({ pool, clock, logger }: { pool: Pool; clock: Clock; logger: Logger }): LastSeen {
  const pending = new Map<string, DeviceSighting>();
  const stored = new Map<string, DeviceSighting>();

  const keyOf = (userNid: number, deviceId: string) => `${userNid} ${deviceId}`;

  function note({ userNid, deviceId, ip, userAgent }: Omit<DeviceSighting, 'seenAt'>): void {
    const key = keyOf(userNid, deviceId);
    const seenAt = clock.now();
    const before = stored.get(key);
    if (before !== undefined && before.ip === ip && seenAt - before.seenAt < RESOLUTION_MS) return;
    if (pending.size < MAX_PENDING || pending.has(key)) {
      pending.set(key, { userNid, deviceId, ip, userAgent: userAgent.slice(0, MAX_USER_AGENT_CHARACTERS), seenAt });
    }
  }

  async function flush(): Promise<void> {
    if (pending.size === 0) return;
    const sightings = [...pending.values()];
    if (stored.size + pending.size > MAX_PENDING) stored.clear();
    for (const [key, sighting] of pending) stored.set(key, sighting);
    pending.clear();
    await updateLastSeen(pool, sightings).catch((error: unknown) =>
      logger.warn({ err: error }, 'could not store when devices were last seen'),
    );
  }

  const timer = setInterval(() => void flush(), FLUSH_MS);
  timer.unref();
  return {
    note,
    find: (userNid, deviceId) => pending.get(keyOf(userNid, deviceId)),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await flush();
    },
  };
}
