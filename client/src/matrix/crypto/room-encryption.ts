import { type JsonObject, numberIn, stringIn } from '../json.ts';
import type { RoomEvent } from '../room-event.ts';
import { readMembership } from '../rooms/member-names.ts';
import { type RoomRecord, stateContent } from '../rooms/room-record.ts';
import { ENCRYPTED, type StoredEvent } from '../timeline/stored-event.ts';
import type { CryptoEngine, RoomKeySettings } from './crypto-engine.ts';
import type { OutgoingSender } from './outgoing-sender.ts';

const VISIBILITIES: ReadonlySet<string> = new Set<RoomKeySettings['historyVisibility']>(['invited', 'joined', 'shared', 'world_readable']);
const MEGOLM = 'm.megolm.v1.aes-sha2';

type Deps = {
  engine: CryptoEngine;
  sender: OutgoingSender;
  /** Sees to it that all members of the room are known: who is missing would not get the key. */
  loadMembers: (record: RoomRecord) => Promise<void>;
};

/** Encrypts for, and decrypts from, rooms. */
export type RoomEncryption = {
  /** The content of an `m.room.encrypted` event, after all who should read it were given the key. */
  encrypt(record: RoomRecord, type: string, content: JsonObject): Promise<JsonObject>;
  /** Decrypts what is encrypted of these events; the order stays. */
  decrypt(roomId: string, events: readonly RoomEvent[]): Promise<StoredEvent[]>;
  /** Follows the devices of those who came into an encrypted room. */
  trackMembers(changed: readonly RoomEvent[]): Promise<void>;
};

export function createRoomEncryption({ engine, sender, loadMembers }: Deps): RoomEncryption {
  const turns = new Map<string, Promise<unknown>>();

  /** One after another in a room: two messages at once must not both make a key. */
  function takeTurn<Result>(roomId: string, work: () => Promise<Result>): Promise<Result> {
    const before = turns.get(roomId) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(work);
    turns.set(roomId, mine);
    return mine;
  }

  /**
   * 1. Know all members, and their devices.
   * 2. Have an Olm session with each device.
   * 3. Give the room's key to those who lack it.
   */
  async function shareKey(record: RoomRecord): Promise<void> {
    await loadMembers(record);
    const settings = readKeySettings(record);
    await engine.setRoomSettings(record.roomId, { algorithm: readAlgorithm(record), ...rotation(settings) });
    const users = listReaders(record, settings.historyVisibility);
    await engine.trackUsers(users);
    await sender.flush();

    const claim = await engine.claimMissingSessions(users);
    if (claim !== undefined) await sender.send(claim);

    await sender.sendAll(await engine.shareRoomKey(record.roomId, users, settings));
  }

  return {
    encrypt: (record, type, content) =>
      takeTurn(record.roomId, async () => {
        await shareKey(record);
        return await engine.encrypt(record.roomId, type, content);
      }),
    async decrypt(roomId, events) {
      const encrypted = events.filter(isDecryptable);
      if (encrypted.length === 0) return events.map((event) => ({ event }));
      const outcomes = await engine.decrypt(
        roomId,
        encrypted.map((event) => ({ ...event, room_id: roomId }) as JsonObject),
      );
      const byId = new Map(encrypted.map((event, at) => [event.event_id, outcomes[at]]));
      return events.map((event) => {
        const outcome = byId.get(event.event_id);
        if (outcome === undefined) return { event };
        if (!outcome.ok) return { event, failure: outcome.reason };
        return { event, clear: { type: outcome.type, content: outcome.content, trust: outcome.trust } };
      });
    },
    async trackMembers(changed) {
      const users = changed.filter(({ type, content }) => type === 'm.room.member' && isPresent(content));
      if (users.length > 0) await engine.trackUsers(users.flatMap(({ state_key: userId }) => userId ?? []));
    },
  };
}

function isDecryptable({ type, state_key: stateKey, content }: RoomEvent): boolean {
  return type === ENCRYPTED && stateKey === undefined && stringIn(content, 'algorithm') !== undefined;
}

function isPresent(content: JsonObject): boolean {
  const membership = readMembership(content);
  return membership === 'join' || membership === 'invite';
}

/** The session whose key an undecryptable event needs. */
export function sessionIdOf({ event }: StoredEvent): string | undefined {
  return stringIn(event.content, 'session_id');
}

function readAlgorithm(record: RoomRecord): string {
  const algorithm = stringIn(stateContent(record, 'm.room.encryption'), 'algorithm');
  if (algorithm !== MEGOLM) throw new Error(`This room is encrypted in a way that is not known here: ${algorithm ?? 'no algorithm'}`);
  return algorithm;
}

/** https://spec.matrix.org/latest/client-server-api/#mroomencryption */
function readKeySettings(record: RoomRecord): RoomKeySettings {
  const encryption = stateContent(record, 'm.room.encryption');
  const visibility = stringIn(stateContent(record, 'm.room.history_visibility'), 'history_visibility') ?? 'shared';
  const rotationPeriodMs = numberIn(encryption, 'rotation_period_ms');
  const rotationPeriodMessages = numberIn(encryption, 'rotation_period_msgs');
  return {
    historyVisibility: isVisibility(visibility) ? visibility : 'joined',
    onlyTrustedDevices: false,
    ...(rotationPeriodMs === undefined ? {} : { rotationPeriodMs }),
    ...(rotationPeriodMessages === undefined ? {} : { rotationPeriodMessages }),
  };
}

function rotation({ rotationPeriodMs, rotationPeriodMessages }: RoomKeySettings): {
  rotationPeriodMs?: number;
  rotationPeriodMessages?: number;
} {
  return {
    ...(rotationPeriodMs === undefined ? {} : { rotationPeriodMs }),
    ...(rotationPeriodMessages === undefined ? {} : { rotationPeriodMessages }),
  };
}

function isVisibility(value: string): value is RoomKeySettings['historyVisibility'] {
  return VISIBILITIES.has(value);
}

/** Who should be able to read a message sent now: the joined, and the invited unless history begins at joining. */
function listReaders(record: RoomRecord, visibility: RoomKeySettings['historyVisibility']): string[] {
  const readers: string[] = [];
  for (const { type, state_key: userId, content } of record.state.values()) {
    if (type !== 'm.room.member' || userId === undefined) continue;
    const membership = readMembership(content);
    if (membership === 'join' || (membership === 'invite' && visibility !== 'joined')) readers.push(userId);
  }
  return readers;
}
