import type { Presence } from '../client.ts';
import { isJsonObject, type JsonObject, numberIn, objectIn, stringIn, stringsIn } from '../json.ts';
import { type RoomEvent, readRoomEvent, readStrippedStateEvent, type StrippedStateEvent } from '../room-event.ts';

/** A `/sync` answer, read: what is malformed is left out, so that one bad event cannot stop a client. */
export type SyncUpdate = {
  nextBatch: string;
  joined: ReadonlyMap<string, JoinedRoomUpdate>;
  left: ReadonlyMap<string, JoinedRoomUpdate>;
  invited: ReadonlyMap<string, readonly StrippedStateEvent[]>;
  knocked: ReadonlyMap<string, readonly StrippedStateEvent[]>;
  accountData: readonly TypedContent[];
  presence: readonly { userId: string; presence: Presence }[];
  toDevice: JsonObject[];
  changedDevices: string[];
  leftDevices: string[];
  oneTimeKeyCounts: { [algorithm: string]: number } | undefined;
  unusedFallbackKeys: string[] | undefined;
};

export type TypedContent = { type: string; content: JsonObject };

export type JoinedRoomUpdate = {
  /** State changes to take before the timeline's own; with `state_after`, the whole truth after it. */
  state: readonly RoomEvent[];
  /** The server spoke of `state_after`: state events in the timeline change nothing by themselves. */
  isStateAfter: boolean;
  timeline: readonly RoomEvent[];
  isLimited: boolean;
  prevBatch: string | undefined;
  ephemeral: readonly TypedContent[];
  accountData: readonly TypedContent[];
  heroes: string[] | undefined;
  joinedCount: number | undefined;
  invitedCount: number | undefined;
  unreadCount: number | undefined;
  highlightCount: number | undefined;
};

/** Reads an answer to `GET /sync`. Throws when it has no token. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3sync */
export function readSyncUpdate(body: unknown): SyncUpdate {
  const nextBatch = stringIn(body, 'next_batch');
  if (nextBatch === undefined) throw new Error('The homeserver answered a sync without a token');
  const rooms = objectIn(body, 'rooms');
  const deviceLists = objectIn(body, 'device_lists');
  const fallbackKeys = isJsonObject(body) ? body['device_unused_fallback_key_types'] : undefined;
  return {
    nextBatch,
    joined: readRooms(rooms, 'join', readJoinedRoom),
    left: readRooms(rooms, 'leave', readJoinedRoom),
    invited: readRooms(rooms, 'invite', (room) => readStripped(objectIn(room, 'invite_state'))),
    knocked: readRooms(rooms, 'knock', (room) => readStripped(objectIn(room, 'knock_state'))),
    accountData: readTypedContents(objectIn(body, 'account_data')),
    presence: readPresence(objectIn(body, 'presence')),
    toDevice: eventsIn(objectIn(body, 'to_device')).filter(isJsonObject),
    changedDevices: stringsIn(deviceLists, 'changed'),
    leftDevices: stringsIn(deviceLists, 'left'),
    oneTimeKeyCounts: readCounts(objectIn(body, 'device_one_time_keys_count')),
    unusedFallbackKeys: Array.isArray(fallbackKeys) ? stringsIn(body, 'device_unused_fallback_key_types') : undefined,
  };
}

function readRooms<Update>(rooms: JsonObject | undefined, section: string, read: (room: JsonObject) => Update): Map<string, Update> {
  const updates = new Map<string, Update>();
  for (const [roomId, room] of Object.entries(objectIn(rooms, section) ?? {})) {
    if (isJsonObject(room)) updates.set(roomId, read(room));
  }
  return updates;
}

function readJoinedRoom(room: JsonObject): JoinedRoomUpdate {
  const timeline = objectIn(room, 'timeline');
  const summary = objectIn(room, 'summary');
  const unread = objectIn(room, 'unread_notifications');
  const stateAfter = objectIn(room, 'state_after') ?? objectIn(room, 'org.matrix.msc4222.state_after');
  return {
    state: readEvents(stateAfter ?? objectIn(room, 'state')),
    isStateAfter: stateAfter !== undefined,
    timeline: readEvents(timeline),
    isLimited: timeline?.['limited'] === true,
    prevBatch: stringIn(timeline, 'prev_batch'),
    ephemeral: readTypedContents(objectIn(room, 'ephemeral')),
    accountData: readTypedContents(objectIn(room, 'account_data')),
    heroes: Array.isArray(summary?.['m.heroes']) ? stringsIn(summary, 'm.heroes') : undefined,
    joinedCount: numberIn(summary, 'm.joined_member_count'),
    invitedCount: numberIn(summary, 'm.invited_member_count'),
    unreadCount: numberIn(unread, 'notification_count'),
    highlightCount: numberIn(unread, 'highlight_count'),
  };
}

function eventsIn(section: JsonObject | undefined): unknown[] {
  const events = section?.['events'];
  return Array.isArray(events) ? events : [];
}

function readEvents(section: JsonObject | undefined): RoomEvent[] {
  return eventsIn(section).flatMap((event) => readRoomEvent(event) ?? []);
}

function readStripped(section: JsonObject | undefined): StrippedStateEvent[] {
  return eventsIn(section).flatMap((event) => readStrippedStateEvent(event) ?? []);
}

function readTypedContents(section: JsonObject | undefined): TypedContent[] {
  return eventsIn(section).flatMap((event) => {
    const type = stringIn(event, 'type');
    return type === undefined ? [] : [{ type, content: objectIn(event, 'content') ?? {} }];
  });
}

/** https://spec.matrix.org/latest/client-server-api/#mpresence */
function readPresence(section: JsonObject | undefined): { userId: string; presence: Presence }[] {
  return eventsIn(section).flatMap((event) => {
    const userId = stringIn(event, 'sender');
    const presence = stringIn(objectIn(event, 'content'), 'presence');
    if (userId === undefined || (presence !== 'online' && presence !== 'unavailable' && presence !== 'offline')) return [];
    return [{ userId, presence }];
  });
}

function readCounts(counts: JsonObject | undefined): { [algorithm: string]: number } | undefined {
  if (counts === undefined) return undefined;
  const read: { [algorithm: string]: number } = {};
  for (const [algorithm, count] of Object.entries(counts)) if (typeof count === 'number') read[algorithm] = count;
  return read;
}
