import type { RoomSnapshot } from 'federation-spec/api/client/old-sync.ts';
import type { BasicEvent, ClientEvent } from 'federation-spec/api/schemas/events.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { listPublishedAmong } from '../../../storage/aliases.ts';
import type { Database } from '../../../storage/database.ts';
import type { UserMembership } from '../../../storage/memberships.ts';
import type { Log } from '../../streams/log.ts';
import { formatToken } from '../../streams/token.ts';
import type { RoomToTell, TellRooms, ToldRoom } from '../room-to-tell.ts';
import type { AccountDataChange, AccountDataForSync, EphemeralForSync, SyncDevice } from '../sources.ts';
import type { ListStandings } from '../standings.ts';
import { toOldEvent, toOldPresence } from './old-event.ts';
import type { TellInvite } from './tell-invite.ts';

/** How many events of each room are told unless the request says otherwise. */
export const DEFAULT_OLD_LIMIT = 10;

export type InitialSync = (
  device: SyncDevice,
  options: { limit: number | undefined; isArchived: boolean },
) => Promise<{ end: string; rooms: RoomSnapshot[]; presence: BasicEvent[]; account_data: BasicEvent[]; receipts: BasicEvent[] }>;

type Deps = {
  database: Database;
  log: Log;
  listStandings: ListStandings;
  tellRooms: TellRooms;
  tellInvite: TellInvite;
  accountData: Pick<AccountDataForSync, 'listChanges'>;
  ephemeral: EphemeralForSync;
};

/** All that a client needs to begin with. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3initialsync */
export function createInitialSync(deps: Deps): InitialSync {
  const { database, log, listStandings, tellRooms, tellInvite, accountData, ephemeral } = deps;

  return async function initialSync(device, { limit = DEFAULT_OLD_LIMIT, isArchived }) {
    const { boot, volatile } = ephemeral.volatileNow();
    const upTo = log.position();
    const standings = await listStandings(device, upTo);
    const joined = standings.filter((room) => room.membership === 'join');
    const gone = isArchived ? standings.filter(({ membership }) => membership === 'leave' || membership === 'ban') : [];
    const invited = standings.filter((room) => room.membership === 'invite');
    const published = await listPublishedAmong(
      database.sql,
      standings.map((room) => room.roomNid),
    );
    const told = await tellRooms(
      [...joined, ...gone].map((room) => toTell(room, upTo)),
      {
        device,
        upTo,
        boot,
        filter: { room: { timeline: { limit } } },
        wantsStateAfter: true,
      },
    );
    const data = await accountData.listChanges(device, { after: 0, upTo });
    const ephemerals = await ephemeral.listRoomEphemeral({
      userNid: device.userNid,
      roomNids: joined.map((room) => room.roomNid),
      after: undefined,
      upTo,
    });
    const presence = await ephemeral.listPresence({ userNid: device.userNid, after: undefined });

    const rooms: RoomSnapshot[] = [];
    for (const room of [...joined, ...gone]) {
      const snapshot = snapshotOf(room, told.get(room.roomNid), { boot, upTo, data });
      rooms.push({ ...snapshot, visibility: published.has(room.roomNid) ? 'public' : 'private' });
    }
    for (const room of invited) {
      const invite = await tellInvite(device, room);
      const known = invite === undefined ? {} : { invite, inviter: invite.sender };
      rooms.push({ room_id: room.roomId, membership: 'invite', visibility: published.has(room.roomNid) ? 'public' : 'private', ...known });
    }
    const roomIds = new Map(standings.map((room) => [room.roomNid, room.roomId]));
    return {
      end: formatToken({ kind: 'stream', position: upTo, boot, volatile }),
      rooms,
      presence: presence.map(toOldPresence) as BasicEvent[],
      account_data: data.filter((entry) => entry.roomNid === null).map(toAccountData),
      receipts: [...ephemerals].flatMap(([roomNid, events]) =>
        events.filter(isReceipt).map((event) => inRoom(event, roomIds.get(roomNid))),
      ),
    };
  };
}

function toTell({ roomNid, roomId, membership, position }: UserMembership, upTo: number): RoomToTell {
  const isLeft = membership !== 'join';
  return { roomNid, roomId, after: 0, stateAfter: 0, upTo: isLeft ? position : upTo, since: position, isLeft };
}

type Around = { boot: string; upTo: number; data: readonly AccountDataChange[] };

function snapshotOf(room: UserMembership, told: ToldRoom | undefined, { boot, upTo, data }: Around): RoomSnapshot {
  const end = formatToken({ kind: 'stream', position: room.membership === 'join' ? upTo : room.position, boot, volatile: 0 });
  const events = (told?.timeline.events ?? []) as ClientEvent[];
  return {
    room_id: room.roomId,
    membership: room.membership,
    messages: { start: told?.timeline.prev_batch ?? end, end, chunk: events.map(toOldEvent) },
    state: (told?.state ?? []).map(toOldEvent),
    account_data: data.filter((entry) => entry.roomNid === room.roomNid).map(toAccountData),
  };
}

export function toAccountData({ type, content }: AccountDataChange): BasicEvent {
  return { type, content: JSON.parse(content) as JsonObject };
}

export function isReceipt(event: JsonObject): event is JsonObject & BasicEvent {
  return event['type'] === 'm.receipt';
}

export function inRoom(event: BasicEvent, roomId: string | undefined): BasicEvent & { room_id: string | undefined } {
  return { ...event, room_id: roomId };
}
