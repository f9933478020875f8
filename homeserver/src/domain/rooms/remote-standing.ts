import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import type { Database } from '../../storage/database.ts';
import { findMembership, type Membership } from '../../storage/memberships.ts';
import { findInviteSource, setRemoteMembership } from '../../storage/remote-memberships.ts';
import { findRoom, internRoom } from '../../storage/rooms.ts';
import type { Log } from '../streams/log.ts';

/** Most stripped events that are kept of an invite or a knock. */
const MAX_STRIPPED = 50;
/** How long their contents may be together; what comes after is left out. They are told with every first sync. */
const MAX_STRIPPED_LENGTH = 262_144;

/** What somebody who is not in a room may know of it: https://spec.matrix.org/latest/client-server-api/#stripped-state */
export type StrippedEvent = {
  type: string;
  state_key: string;
  sender: string;
  content: JsonObject;
  /** Known of the person's own invite. */
  event_id?: string;
  origin_server_ts?: number;
};

/** The standing of local users in rooms that this server is not in: invited, knocking, gone. */
export type RemoteStanding = {
  set: (standing: {
    roomId: string;
    version: string;
    userNid: number;
    membership: Membership;
    strippedState: readonly StrippedEvent[];
    source?: InviteSource | undefined;
  }) => Promise<void>;
  find: (
    roomId: string,
    userNid: number,
  ) => Promise<{ membership: Membership; version: string; strippedState: StrippedEvent[]; source: InviteSource | undefined } | undefined>;
};

/** Of an invite: which event it was. */
export type InviteSource = { event_id: string; origin_server_ts: number };

export function createRemoteStanding({ database, log }: { database: Database; log: Log }): RemoteStanding {
  return {
    set: async ({ roomId, version, userNid, membership, strippedState, source }) => {
      const roomNid = await internRoom(database.sql, roomId, version);
      const text = strippedState.length === 0 ? null : JSON.stringify(strippedState);
      const inviteSource = source === undefined ? undefined : JSON.stringify(source);
      await log.append({
        rows: [
          {
            write: (sql, position) =>
              setRemoteMembership(sql, { roomNid, userNid, membership, position, strippedState: text, inviteSource }),
            wakes: { users: [userNid], membershipsOf: [userNid] },
          },
        ],
      });
    },
    find: async (roomId, userNid) => {
      const room = await findRoom(database.sql, roomId);
      const row = room === undefined ? undefined : await findMembership(database.sql, room.roomNid, userNid);
      if (room === undefined || row === undefined) return undefined;
      const strippedState = listStripped(JSON.parse(row.strippedState ?? '[]'));
      const source = row.membership === 'invite' ? await findInviteSource(database.sql, room.roomNid, userNid) : undefined;
      return {
        membership: row.membership,
        version: room.version,
        strippedState,
        source: source === undefined ? undefined : (JSON.parse(source) as InviteSource),
      };
    },
  };
}

/** The stripped form of those of the values that are state events. What else came with them, and what is too much, is left out. */
export function listStripped(values: unknown): StrippedEvent[] {
  if (!Array.isArray(values)) return [];
  const stripped: StrippedEvent[] = [];
  let length = 0;
  for (const value of values.slice(0, MAX_STRIPPED)) {
    const event = stripEvent(value);
    if (event === undefined) continue;
    length += JSON.stringify(event).length;
    if (length > MAX_STRIPPED_LENGTH) break;
    stripped.push(event);
  }
  return stripped;
}

function stripEvent(value: unknown): StrippedEvent | undefined {
  if (!isJsonObject(value)) return undefined;
  const { type, state_key, sender, content } = value;
  if (typeof type !== 'string' || typeof state_key !== 'string' || typeof sender !== 'string' || !isJsonObject(content)) return undefined;
  return parseUserId(sender) !== undefined ? { type, state_key, sender, content } : undefined;
}

/** A membership event in stripped form. */
export function stripPdu({ type, state_key: stateKey = '', sender, content }: Pdu): StrippedEvent {
  return { type, state_key: stateKey, sender, content };
}
