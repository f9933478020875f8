import type { ToDeviceEvent } from 'federation-spec/api/schemas/sync.ts';
import { LRUCache } from 'lru-cache';
import type { Pool } from '../../storage/database.ts';
import { deleteToDevice, listToDevice } from '../../storage/to-device.ts';
import { parseKey } from './check-keys.ts';

type Device = { userNid: number; deviceId: string };

/** What waits for devices. Memory knows which devices have nothing, so that most syncs neither read nor write. */
export type ToDeviceInbox = {
  /** Told of a message that is being written. */
  noteWritten(device: Device, position: number): void;
  /** The oldest messages in (after, upTo]. `upTo` of the answer is smaller than asked for when there are more than `limit`. */
  list(device: Device, range: { after: number; upTo: number; limit: number }): Promise<{ events: ToDeviceEvent[]; upTo: number }>;
  /** Deletes what the device has surely received: it came back with a token at or past it. */
  acknowledge(device: Device, upTo: number): Promise<void>;
};

const MAX_DEVICES = 100_000;

export function createToDeviceInbox({ pool }: { pool: Pool }): ToDeviceInbox {
  /** No message of the device has a later position than this. */
  const newest = new LRUCache<string, number>({ max: MAX_DEVICES });
  /** Every message of the device up to this position is deleted. */
  const acknowledged = new LRUCache<string, number>({ max: MAX_DEVICES });
  const keyOf = ({ userNid, deviceId }: Device) => `${userNid} ${deviceId}`;
  const raise = (key: string, position: number) => newest.set(key, Math.max(newest.get(key) ?? 0, position));

  return {
    noteWritten: (device, position) => void raise(keyOf(device), position),
    async list(device, { after, upTo, limit }) {
      const key = keyOf(device);
      const last = newest.get(key);
      if (last !== undefined && last <= after) return { events: [], upTo };

      const rows = await listToDevice(pool, device, { after, upTo, limit: limit + 1 });
      const given = rows.slice(0, limit);
      const isCut = rows.length > limit;
      if (!isCut && newest.get(key) === undefined) raise(key, Math.max(upTo, rows.at(-1)?.position ?? 0));
      const events = given.map(({ sender, type, content }) => ({ sender, type, content: parseKey(content) }));
      return { events, upTo: isCut ? (given.at(-1)?.position ?? after) : upTo };
    },
    async acknowledge(device, upTo) {
      const key = keyOf(device);
      const done = acknowledged.get(key);
      const last = newest.get(key);
      if (done !== undefined && (done >= upTo || (last !== undefined && last <= done))) return;
      await deleteToDevice(pool, device, upTo);
      acknowledged.set(key, upTo);
    },
  };
}
