import { LRUCache } from 'lru-cache';
import type { Pool } from '../../storage/database.ts';
import { countOneTimeKeys, listUnusedFallbackTypes } from '../../storage/one-time-keys.ts';

type Device = { userNid: number; deviceId: string };
export type Counts = { oneTimeKeys: Record<string, number>; unusedFallbackTypes: string[] };

/** How many one-time keys devices have left, remembered until it changes: every sync asks. */
export type KeyCounts = {
  count(device: Device): Promise<Counts>;
  forget(device: Device): void;
  /** Called when a device's counts have changed. */
  onChange(listener: (device: Device) => void): void;
};

const MAX_DEVICES = 50_000;

export function createKeyCounts({ pool }: { pool: Pool }): KeyCounts {
  const counts = new LRUCache<string, Counts>({ max: MAX_DEVICES });
  const listeners: ((device: Device) => void)[] = [];
  let revision = 0;
  const keyOf = ({ userNid, deviceId }: Device) => `${userNid} ${deviceId}`;

  return {
    async count(device) {
      const known = counts.get(keyOf(device));
      if (known !== undefined) return known;
      const asOf = revision;
      const [stored, unusedFallbackTypes] = await Promise.all([
        countOneTimeKeys(pool, device.userNid, device.deviceId),
        listUnusedFallbackTypes(pool, device.userNid, device.deviceId),
      ]);
      // Some clients upload only when they are told that there are none.
      const fresh = { oneTimeKeys: { signed_curve25519: 0, ...stored }, unusedFallbackTypes };
      if (asOf === revision) counts.set(keyOf(device), fresh);
      return fresh;
    },
    forget(device) {
      revision += 1;
      counts.delete(keyOf(device));
      for (const listener of listeners) listener(device);
    },
    onChange: (listener) => void listeners.push(listener),
  };
}
