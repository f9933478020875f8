import type { ClientContext } from '../client-context.ts';
import type { RoomRecord } from '../rooms/room-record.ts';
import { isSame } from '../timeline/reuse-unchanged.ts';
import type { StoredEvent } from '../timeline/stored-event.ts';
import { sessionIdOf } from './room-encryption.ts';

type Deps = Pick<ClientContext, 'records' | 'store' | 'touch' | 'decrypt'> & {
  /** Events that can be read now, in order. */
  onDecrypted: (record: RoomRecord, events: readonly StoredEvent[]) => void;
};

/** How many of a room's newest events have their trust looked at again. */
const MAX_TRUST_CHECKS = 200;

export type LateKeys = {
  /** Tries again what these keys may open. */
  retry(keys: readonly { roomId: string; sessionId: string }[]): Promise<void>;
  /** Tries again everything that could not be read, after a backup was restored. */
  retryAll(): Promise<void>;
  /** Looks again at how far messages of these users are to be trusted, when more became known of their devices or identity. */
  refreshTrust(userIds: readonly string[]): Promise<void>;
};

/** Decrypts again what could not be read, when keys come later than the messages. */
export function createLateKeys({ records, store, touch, decrypt, onDecrypted }: Deps): LateKeys {
  async function retryRoom(record: RoomRecord, isWanted: (stored: StoredEvent) => boolean): Promise<void> {
    const unreadable = record.timeline.filter((stored) => stored.failure !== undefined && isWanted(stored));
    if (unreadable.length === 0) return;
    const again = await decrypt(
      record.roomId,
      unreadable.map(({ event }) => event),
    );
    const readable = new Map(again.filter(({ failure }) => failure === undefined).map((stored) => [stored.event.event_id, stored]));
    const changed = again.some(({ failure }, at) => failure !== unreadable[at]?.failure);
    if (!changed) return;

    const byId = new Map(again.map((stored) => [stored.event.event_id, stored]));
    record.timeline = record.timeline.map((stored) =>
      stored.failure === undefined ? stored : (byId.get(stored.event.event_id) ?? stored),
    );
    touch(record.roomId);
    await store.write({ rooms: [{ record, state: [], timelineChanged: true }], forgottenRoomIds: [], accountData: [] });
    if (readable.size > 0) onDecrypted(record, [...readable.values()]);
  }

  async function refreshRoom(record: RoomRecord, userIds: ReadonlySet<string>): Promise<void> {
    const theirs = record.timeline.slice(-MAX_TRUST_CHECKS).filter(({ event, clear }) => clear !== undefined && userIds.has(event.sender));
    if (theirs.length === 0) return;
    const again = await decrypt(
      record.roomId,
      theirs.map(({ event }) => event),
    );
    const changed = new Map(
      again
        .filter(({ clear }, at) => clear !== undefined && !isSame(clear.trust, theirs[at]?.clear?.trust))
        .map((stored) => [stored.event.event_id, stored]),
    );
    if (changed.size === 0) return;
    record.timeline = record.timeline.map((stored) => changed.get(stored.event.event_id) ?? stored);
    touch(record.roomId);
    await store.write({ rooms: [{ record, state: [], timelineChanged: true }], forgottenRoomIds: [], accountData: [] });
  }

  return {
    async refreshTrust(userIds) {
      const users = new Set(userIds);
      for (const record of records.values()) await refreshRoom(record, users);
    },
    async retry(keys) {
      const byRoom = new Map<string, Set<string>>();
      for (const { roomId, sessionId } of keys) byRoom.set(roomId, (byRoom.get(roomId) ?? new Set()).add(sessionId));
      for (const [roomId, sessions] of byRoom) {
        const record = records.get(roomId);
        if (record !== undefined) await retryRoom(record, (stored) => sessions.has(sessionIdOf(stored) ?? ''));
      }
    },
    async retryAll() {
      for (const record of records.values()) await retryRoom(record, () => true);
    },
  };
}
