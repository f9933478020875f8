import type { SlidingSyncFilters } from 'federation-spec/api/schemas/sliding-sync.ts';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../../storage/database.ts';
import type { UserMembership } from '../../../storage/memberships.ts';
import { listRoomsJoinedSince, listSingularState, listStateOfType } from '../../../storage/sync.ts';
import { readPdu } from '../../rooms/read-pdu.ts';
import type { RoomActivity } from '../room-activity.ts';
import { FACT_TYPES, type ListRoomFacts, type RoomFacts, readFacts } from '../room-facts.ts';
import { isExpelled, isFromIgnored, isGone, isWhole } from '../sort-rooms.ts';
import type { Ignored, SyncDevice } from '../sources.ts';
import type { StripRooms } from '../strip-rooms.ts';
import type { SentRoom } from './connection.ts';
import { combineConfigs, type RoomConfig, wantsOtherMembers } from './room-config.ts';
import type { SlidingRequest } from './sliding-request.ts';

/** How many former rooms are remembered as having been entered or not. */
const MAX_FORMER_ROOMS = 20_000;

/** A room that a list or a subscription covers. */
export type CoveredRoom = { standing: UserMembership; config: RoomConfig; lastPosition: number; lists: string[]; isSubscribed: boolean };

export type Personal = {
  /** The rooms that are direct, by id. */
  direct: ReadonlySet<string>;
  /** The tags of each room. */
  tags: ReadonlyMap<number, readonly string[]>;
  ignored: Ignored;
};

type Known = { standings: readonly UserMembership[]; personal: Personal; sent: ReadonlyMap<number, SentRoom>; upTo: number };

/** The rooms that a request covers, how many each of its lists holds in all, and which rooms it covers or lists, whatever their place. */
export type ListRooms = (
  request: Pick<SlidingRequest, 'device' | 'lists' | 'subscriptions'>,
  known: Known,
) => Promise<{ covered: CoveredRoom[]; counts: Record<string, { count: number }>; matching: UserMembership[] }>;

type Deps = { database: Database; activity: RoomActivity; listRoomFacts: ListRoomFacts; stripRooms: StripRooms };

/** The user's rooms by their last activity, filtered and cut to the lists' ranges. */
export function createListRooms({ database, activity, listRoomFacts, stripRooms }: Deps): ListRooms {
  const { sql } = database;
  const former = new LRUCache<string, boolean>({ max: MAX_FORMER_ROOMS });

  /** Those of the rooms, which the user is no longer in, that they ever were in. */
  async function listFormer({ userId, userNid }: SyncDevice, gone: readonly UserMembership[]): Promise<ReadonlySet<number>> {
    const keyOf = ({ roomNid, position }: UserMembership) => `${userNid} ${roomNid} ${position}`;
    const unknown = gone.filter((room) => !former.has(keyOf(room)));
    const entered = await listRoomsJoinedSince(
      sql,
      userId,
      unknown.map((room) => room.roomNid),
      0,
    );
    for (const room of unknown) former.set(keyOf(room), entered.has(room.roomNid));
    return new Set(gone.filter((room) => former.get(keyOf(room)) ?? entered.has(room.roomNid)).map((room) => room.roomNid));
  }

  /** Rooms left by oneself are there once, for who knew them; those one was kicked or banned from stay. */
  async function listShown(device: SyncDevice, { standings, personal, sent }: Known): Promise<UserMembership[]> {
    const wasSent = ({ roomNid, position }: UserMembership) => {
      const before = sent.get(roomNid);
      return before !== undefined && before.since !== position;
    };
    const expelled = await listFormer(
      device,
      standings.filter((room) => isGone(room) && isExpelled(room, device.userNid)),
    );
    return standings.filter((room) => {
      if (isGone(room)) return wasSent(room) || expelled.has(room.roomNid);
      return room.membership !== 'invite' || !isFromIgnored(room, device.userId, personal.ignored);
    });
  }

  /** Of rooms that the user is in; of those they have left, as they were then; of others, what the invite shows. */
  async function readAllFacts(shown: readonly UserMembership[]): Promise<ReadonlyMap<number, RoomFacts>> {
    const [joined, others] = [shown.filter((room) => room.membership === 'join'), shown.filter((room) => room.membership !== 'join')];
    const [gone, asked] = [others.filter(isGone), others.filter((room) => !isGone(room))];
    const [facts, left, stripped] = await Promise.all([
      listRoomFacts(joined.map((room) => room.roomNid)),
      listSingularState(
        sql,
        gone.map(({ roomNid, position }) => ({ roomNid, at: position })),
        FACT_TYPES,
      ),
      stripRooms(asked),
    ]);
    const leftOf = Map.groupBy(left, (row) => row.roomNid);
    return new Map([
      ...facts,
      ...gone.map(({ roomNid }): [number, RoomFacts] => [
        roomNid,
        readFacts((leftOf.get(roomNid) ?? []).map(({ type, json }) => ({ type, content: readPdu(json).content }))),
      ]),
      ...asked.map(({ roomNid }): [number, RoomFacts] => [
        roomNid,
        readFacts((stripped.get(roomNid) ?? []).filter((event) => FACT_TYPES.includes(event.type))),
      ]),
    ]);
  }

  /** The children of those of the spaces that the user is in. */
  async function listChildren(spaces: readonly string[], shown: readonly UserMembership[]): Promise<ReadonlySet<string>> {
    const joined = shown.filter(({ roomId, membership }) => membership === 'join' && spaces.includes(roomId));
    const roomNids = joined.map(({ roomNid }) => roomNid);
    const children = await listStateOfType(sql, roomNids, 'm.space.child');
    return new Set(children.filter(({ json }) => Array.isArray(readPdu(json).content['via'])).map(({ stateKey }) => stateKey));
  }

  return async function listRooms({ device, lists, subscriptions }, known) {
    const shown = await listShown(device, known);
    const last = await activity.listLastPositions(shown.filter(({ membership }) => membership === 'join').map(({ roomNid }) => roomNid));
    const lastOf = (room: UserMembership) => Math.max(room.membership === 'join' ? (last.get(room.roomNid) ?? 0) : 0, room.position);
    const sorted = shown.map((room) => ({ room, lastPosition: lastOf(room) })).sort((one, other) => other.lastPosition - one.lastPosition);

    const wantsFacts = [...lists.values()].some(({ filters }) => filters !== undefined);
    const facts = wantsFacts ? await readAllFacts(shown) : new Map<number, RoomFacts>();
    const coverage = new Map<number, string[]>();
    const counts: Record<string, { count: number }> = {};
    const listed = new Set<UserMembership>();
    for (const [name, { filters, ranges }] of lists) {
      const children = filters?.spaces === undefined ? undefined : await listChildren(filters.spaces, shown);
      const matching = sorted.filter(({ room }) =>
        passesFilters(filters ?? {}, { room, facts: facts.get(room.roomNid), personal: known.personal, children }),
      );
      counts[name] = { count: matching.length };
      for (const { room } of matching) listed.add(room);
      for (const { room } of ranges === undefined ? matching : ranges.flatMap(([from, to]) => matching.slice(from, to + 1))) {
        const covering = coverage.get(room.roomNid) ?? [];
        if (!covering.includes(name)) coverage.set(room.roomNid, [...covering, name]);
      }
    }
    const covered = [...sorted, ...(await listSubscribedFormer(device, subscriptions, known.standings, shown))].flatMap(
      ({ room, lastPosition }): CoveredRoom[] => {
        const names = coverage.get(room.roomNid) ?? [];
        const subscription = subscriptions.get(room.roomId);
        if (names.length === 0 && subscription === undefined) return [];
        const wishes = [...names.flatMap((name) => lists.get(name) ?? []), ...(subscription === undefined ? [] : [subscription])];
        const config = combineConfigs(wishes);
        // Who wants to know all members waits until all are known.
        if (room.membership === 'join' && !isWhole(room, known.upTo) && wantsOtherMembers(config)) return [];
        return [{ standing: room, config, lastPosition, lists: names, isSubscribed: subscription !== undefined }];
      },
    );
    return { covered, counts, matching: [...new Set([...listed, ...covered.map(({ standing }) => standing)])] };
  };

  /** Who was in a room may subscribe to what they saw of it. */
  async function listSubscribedFormer(
    device: SyncDevice,
    subscriptions: SlidingRequest['subscriptions'],
    standings: readonly UserMembership[],
    shown: readonly UserMembership[],
  ): Promise<{ room: UserMembership; lastPosition: number }[]> {
    if (subscriptions.size === 0) return [];
    const gone = standings.filter((room) => isGone(room) && subscriptions.has(room.roomId) && !shown.includes(room));
    const entered = await listFormer(device, gone);
    return gone.filter((room) => entered.has(room.roomNid)).map((room) => ({ room, lastPosition: room.position }));
  }
}

type Candidate = { room: UserMembership; facts: RoomFacts | undefined; personal: Personal; children: ReadonlySet<string> | undefined };

function passesFilters(filters: SlidingSyncFilters, { room, facts, personal, children }: Candidate): boolean {
  const tags = personal.tags.get(room.roomNid) ?? [];
  const roomType = facts?.roomType ?? null;
  const isUnlike = (wanted: boolean | undefined, is: boolean) => wanted !== undefined && wanted !== is;
  if (isUnlike(filters.is_dm, personal.direct.has(room.roomId))) return false;
  if (isUnlike(filters.is_invite, room.membership === 'invite')) return false;
  if (isUnlike(filters.is_encrypted, facts?.isEncrypted === true)) return false;
  if (filters.room_types !== undefined && !filters.room_types.includes(roomType)) return false;
  if (filters.not_room_types?.includes(roomType) === true) return false;
  if (filters.tags !== undefined && !filters.tags.some((tag) => tags.includes(tag))) return false;
  if (filters.not_tags?.some((tag) => tags.includes(tag)) === true) return false;
  if (children !== undefined && !children.has(room.roomId)) return false;
  const like = filters.room_name_like;
  return like === undefined || (facts?.name ?? '').toLowerCase().includes(like.toLowerCase());
}
