import type { RoomSnapshot } from 'federation-spec/api/client/old-sync.ts';
import type { BasicEvent } from 'federation-spec/api/schemas/events.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { isPublished } from '../../../storage/aliases.ts';
import type { Database } from '../../../storage/database.ts';
import { type EnterRoom, stateAt } from '../../rooms/enter-room.ts';
import { MEMBER } from '../../rooms/hot-room.ts';
import type { ReadRoom } from '../../rooms/read-room.ts';
import type { Log } from '../../streams/log.ts';
import { formatToken } from '../../streams/token.ts';
import type { AccountDataForSync, EphemeralForSync, SyncDevice } from '../sources.ts';
import { DEFAULT_OLD_LIMIT, inRoom, isReceipt, toAccountData } from './initial-sync.ts';
import { toOldEvent, toOldPresence } from './old-event.ts';

/** Before the first event of a room. */
const BEGINNING = formatToken({ kind: 'topological', topological: 0, eventNid: 0 });

/** One room as it stands, for its members, for who left it (as it was then) and, where anybody may read, for anybody. Throws M_FORBIDDEN. */
export type RoomInitialSync = (device: SyncDevice, roomId: string, limit: number | undefined) => Promise<RoomSnapshot>;

type Deps = {
  database: Database;
  log: Log;
  enterRoom: EnterRoom;
  readRoom: ReadRoom;
  accountData: Pick<AccountDataForSync, 'listChanges'>;
  ephemeral: EphemeralForSync;
};

/** https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3roomsroomidinitialsync */
export function createRoomInitialSync({ database, log, enterRoom, readRoom, accountData, ephemeral }: Deps): RoomInitialSync {
  return async function roomInitialSync(device, roomId, limit = DEFAULT_OLD_LIMIT) {
    const now = ephemeral.volatileNow();
    const upTo = log.position();
    const { room, view } = await enterRoom.enter(device, roomId);
    const { at = upTo } = stateAt(room, view);
    const end = formatToken({ kind: 'stream', position: at, ...now });
    const [page, state, data, isPublic] = await Promise.all([
      readRoom.messages(device, { roomId, from: end, direction: 'b', limit }),
      readRoom.state(device, roomId),
      accountData.listChanges(device, { after: 0, upTo }),
      isPublished(database.sql, room.nid),
    ]);
    const isThere = view.membership === 'join';
    const ephemerals = isThere
      ? await ephemeral.listRoomEphemeral({ userNid: device.userNid, roomNids: [room.nid], after: undefined, upTo })
      : new Map<number, JsonObject[]>();
    const members = new Set(
      state.filter(({ type, content }) => type === MEMBER && content['membership'] === 'join').map((event) => event.state_key),
    );
    const presence = isThere ? await ephemeral.listPresence({ userNid: device.userNid, after: undefined }) : [];
    return {
      room_id: roomId,
      ...(view.membership === undefined ? {} : { membership: view.membership as NonNullable<RoomSnapshot['membership']> }),
      visibility: isPublic ? 'public' : 'private',
      messages: { start: page.end ?? BEGINNING, end, chunk: page.chunk.toReversed().map(toOldEvent) },
      state: state.map(toOldEvent),
      account_data: data.filter((entry) => entry.roomNid === room.nid).map(toAccountData),
      receipts: (ephemerals.get(room.nid) ?? []).filter(isReceipt).map((event) => inRoom(event, roomId)),
      presence: presence.filter((event) => members.has(String(event['sender']))).map(toOldPresence) as BasicEvent[],
    };
  };
}
