import type { Presence } from '../client.ts';
import type { CryptoEngine } from '../crypto/crypto-engine.ts';
import type { CryptoParts } from '../crypto/crypto-parts.ts';
import { type JsonObject, stringIn } from '../json.ts';
import type { RoomEvent } from '../room-event.ts';
import { applyJoinedRoom, applyStrippedRoom, type RoomChange } from '../rooms/apply-room-update.ts';
import { readMembership } from '../rooms/member-names.ts';
import type { Membership } from '../rooms/membership.ts';
import { createRoomRecord, isEncryptedRoom, type RoomRecord, stateContent } from '../rooms/room-record.ts';
import type { SendQueue } from '../send/send-queue.ts';
import type { ClientStore, StoreUpdate } from '../storage/client-store.ts';
import { contentOf, type StoredEvent, typeOf } from '../timeline/stored-event.ts';
import type { JoinedRoomUpdate, SyncUpdate } from './sync-update.ts';

export type ProcessDeps = {
  records: Map<string, RoomRecord>;
  accountData: Map<string, JsonObject>;
  ownUserId: string;
  /** The crypto, once started. */
  crypto: () => CryptoParts | undefined;
  queue: SendQueue;
  store: ClientStore;
  now: () => number;
  decrypt: (roomId: string, events: readonly RoomEvent[]) => Promise<StoredEvent[]>;
  /** Keys that own events had as local echoes, by room and event. */
  rememberEchoKeys: (roomId: string, keys: ReadonlyMap<string, string>) => void;
  onPresence: (userId: string, presence: Presence) => void;
  onApplied: (applied: AppliedUpdate) => void;
};

export type AppliedUpdate = {
  rooms: readonly { record: RoomRecord; change: RoomChange; isNewlyJoined: boolean }[];
  accountData: readonly string[];
};

/**
 * Takes a sync answer in, in this order, so that nothing is lost when the process ends in between:
 * 1. keys and device lists go to the crypto engine, which stores them;
 * 2. the events of each room are decrypted;
 * 3. rooms change in memory, all at once;
 * 4. rooms, events and the token are stored in one transaction;
 * 5. views are told, and the engine's answers go out.
 */
export function createUpdateProcessor(deps: ProcessDeps): (update: SyncUpdate) => Promise<void> {
  const { records, crypto, store, ownUserId } = deps;

  async function decryptTimeline(roomId: string, { timeline }: JoinedRoomUpdate): Promise<StoredEvent[]> {
    return await deps.decrypt(roomId, timeline);
  }

  async function receiveKeys(update: SyncUpdate): Promise<void> {
    await crypto()?.engine.receiveSync({
      toDevice: update.toDevice,
      changed: update.changedDevices,
      left: update.leftDevices,
      oneTimeKeyCounts: update.oneTimeKeyCounts,
      unusedFallbackKeys: update.unusedFallbackKeys,
    });
  }

  function loadRecord(roomId: string, membership: Membership): RoomRecord {
    const known = records.get(roomId);
    if (known !== undefined) return known;
    const created = createRoomRecord(roomId, membership);
    records.set(roomId, created);
    return created;
  }

  function applyRoom(
    roomId: string,
    update: JoinedRoomUpdate,
    timeline: readonly StoredEvent[],
    membership: 'join' | 'leave',
  ): AppliedUpdate['rooms'][number] {
    const isNewlyJoined = records.get(roomId)?.membership !== membership;
    const record = loadRecord(roomId, membership);
    const change = applyJoinedRoom(record, update, timeline, ownUserId, membership);
    if (membership === 'leave') record.membership = readMembership(stateContent(record, 'm.room.member', ownUserId)) ?? 'leave';
    const own = change.newEvents.filter(({ event }) => event.sender === ownUserId);
    const arrived = own.map(({ event }) => ({ eventId: event.event_id, txnId: stringIn(event.unsigned, 'transaction_id') }));
    deps.rememberEchoKeys(roomId, deps.queue.settle(roomId, arrived, update.isLimited));
    return { record, change, isNewlyJoined };
  }

  function applyAll(update: SyncUpdate, timelines: ReadonlyMap<string, StoredEvent[]>): AppliedUpdate {
    const rooms: AppliedUpdate['rooms'][number][] = [];
    for (const [roomId, room] of update.joined) rooms.push(applyRoom(roomId, room, timelines.get(roomId) ?? [], 'join'));
    for (const [roomId, room] of update.left) {
      if (records.has(roomId) || room.timeline.length > 0) rooms.push(applyRoom(roomId, room, timelines.get(roomId) ?? [], 'leave'));
    }
    for (const [roomId, events] of update.invited) rooms.push(applyStripped(roomId, events, 'invite'));
    for (const [roomId, events] of update.knocked) rooms.push(applyStripped(roomId, events, 'knock'));
    for (const { type, content } of update.accountData) deps.accountData.set(type, content);
    return { rooms, accountData: update.accountData.map(({ type }) => type) };
  }

  function applyStripped(
    roomId: string,
    events: Parameters<typeof applyStrippedRoom>[1],
    membership: 'invite' | 'knock',
  ): AppliedUpdate['rooms'][number] {
    const record = loadRecord(roomId, membership);
    return { record, change: applyStrippedRoom(record, events, membership, deps.now()), isNewlyJoined: false };
  }

  async function keepUp(applied: AppliedUpdate): Promise<void> {
    const parts = crypto();
    if (parts === undefined) return;
    for (const { record, change } of applied.rooms) {
      if (!isEncryptedRoom(record)) continue;
      const members = change.state.flatMap((id) => record.state.get(id) ?? []);
      await parts.rooms.trackMembers(members);
      await receiveVerifications(parts.engine, record.roomId, change.newEvents, ownUserId);
    }
    await parts.sender.flush();
  }

  return async function processUpdate(update) {
    await receiveKeys(update);
    const timelines = new Map<string, StoredEvent[]>();
    for (const [roomId, room] of [...update.joined, ...update.left]) timelines.set(roomId, await decryptTimeline(roomId, room));

    const applied = applyAll(update, timelines);

    await store.write(toStoreUpdate(update, applied)).catch((error: unknown) => {
      // Full disk or private window: go on in memory. The old token stays, so the next start asks for the same again.
      console.warn('What was synced could not be stored', error);
    });

    for (const { userId, presence } of update.presence) deps.onPresence(userId, presence);
    deps.onApplied(applied);
    keepUp(applied).catch((error: unknown) => {
      if (crypto() !== undefined) console.warn('Encryption could not keep up; it tries again with the next sync', error);
    });
  };
}

function toStoreUpdate(update: SyncUpdate, applied: AppliedUpdate): StoreUpdate {
  return {
    syncToken: update.nextBatch,
    rooms: applied.rooms.map(({ record, change }) => ({
      record,
      state: change.stateReplaced ? 'all' : change.state,
      timelineChanged: change.timelineChanged,
    })),
    forgottenRoomIds: [],
    accountData: update.accountData.map(({ type, content }) => [type, content] as const),
  };
}

/** Verifications between users go through the room. */
async function receiveVerifications(
  engine: CryptoEngine,
  roomId: string,
  events: readonly StoredEvent[],
  ownUserId: string,
): Promise<void> {
  for (const stored of events) {
    const type = typeOf(stored);
    const content = contentOf(stored);
    const isVerification = type.startsWith('m.key.verification.') || stringIn(content, 'msgtype') === 'm.key.verification.request';
    if (!isVerification || stored.event.sender === ownUserId) continue;
    await engine.receiveRoomVerificationEvent(roomId, { ...stored.event, type, content, room_id: roomId } as JsonObject);
  }
}
