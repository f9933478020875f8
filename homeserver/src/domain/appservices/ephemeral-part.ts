import type { JsonObject } from 'federation-spec/events/event.ts';
import { listReceiptsOfAllRooms } from '../../storage/appservices.ts';
import type { Database } from '../../storage/database.ts';
import { findRoomIds } from '../../storage/rooms.ts';
import { renderReceipts } from '../ephemeral/for-sync.ts';
import { type Appservice, ownsUser } from './appservice.ts';
import type { RoomInterest } from './room-interest.ts';
import type { AppserviceSources } from './sources.ts';

/** Most receipts looked at for one transaction. */
const MAX_RECEIPTS = 500;

export type EphemeralPart = { events: JsonObject[]; toldPosition: number; volatile: number };

/** Typing, receipts and presence that concern a service, since it was last told. */
export type ListEphemeral = (
  appservice: Appservice,
  since: { position: number; volatile: number; upTo: number; withVolatile: boolean },
) => Promise<EphemeralPart>;

type Deps = { database: Database; interest: RoomInterest; sources: AppserviceSources };

/** https://spec.matrix.org/latest/application-service-api/#pushing-ephemeral-data */
export function createListEphemeral({ database, interest, sources }: Deps): ListEphemeral {
  async function roomsOf(appservice: Appservice, roomNids: Iterable<number>): Promise<Map<number, string>> {
    const rooms = await findRoomIds(database.sql, [...new Set(roomNids)]);
    for (const [nid, roomId] of rooms) if (!(await interest.isRoomOf(appservice, { nid, roomId }))) rooms.delete(nid);
    return rooms;
  }

  async function listReceipts(appservice: Appservice, after: number, upTo: number) {
    const receipts = after >= upTo ? [] : await listReceiptsOfAllRooms(database.sql, { after, upTo, limit: MAX_RECEIPTS });
    const rooms = await roomsOf(
      appservice,
      receipts.map(({ roomNid }) => roomNid),
    );
    const told = receipts.filter(({ roomNid, isPrivate, userId }) => rooms.has(roomNid) && (!isPrivate || ownsUser(appservice, userId)));
    const events = [...Map.groupBy(told, ({ roomNid }) => roomNid)].flatMap(([roomNid, ofRoom]) =>
      renderReceipts(
        ofRoom.map(({ isPrivate, ...receipt }) => ({ ...receipt, kind: isPrivate ? ('private' as const) : ('read' as const) })),
      ).map((event) => ({ ...event, room_id: rooms.get(roomNid) ?? '' })),
    );
    // One position may hold several receipts: where the list was cut, its last position is told again.
    const last = receipts.at(-1);
    const isCut = receipts.length === MAX_RECEIPTS && last !== undefined && last.position - 1 > after;
    return { events, toldPosition: isCut ? last.position - 1 : upTo };
  }

  return async (appservice, { position, volatile, upTo, withVolatile }) => {
    const now = sources.volatileNow();
    const receipts = await listReceipts(appservice, position, upTo);
    if (!withVolatile || now === volatile) return { ...receipts, volatile };
    const typing = sources.listTyping(volatile);
    const rooms = await roomsOf(
      appservice,
      typing.map(({ roomNid }) => roomNid),
    );
    const typingEvents = typing.flatMap(({ roomNid, event }) => {
      const roomId = rooms.get(roomNid);
      return roomId === undefined ? [] : [{ ...event, room_id: roomId }];
    });
    const presence = (await sources.listPresence(volatile))
      .filter(({ user, audience }) => [user.userId, ...audience].some((userId) => ownsUser(appservice, userId)))
      .map(({ event }) => event);
    return { events: [...receipts.events, ...typingEvents, ...presence], toldPosition: receipts.toldPosition, volatile: now };
  };
}
