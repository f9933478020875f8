import type { SlidingSyncFilters, SlidingSyncRequest } from 'federation-spec/api/schemas/sliding-sync.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import type { UserMembership } from '../../../storage/memberships.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import type { RoomActivity } from '../room-activity.ts';
import type { StripRoom } from '../strip-room.ts';
import { combineConfigs, type RoomConfig } from './room-config.ts';
import { FACT_TYPES, type ListRoomFacts, type RoomFacts, readFacts } from './room-facts.ts';

const SHOWN_MEMBERSHIPS: readonly string[] = ['join', 'invite', 'knock'];

/** A room that a list or a subscription covers. */
export type CoveredRoom = { standing: UserMembership; config: RoomConfig; lastPosition: number; lists: string[]; isSubscribed: boolean };

export type Personal = {
  /** The rooms that are direct, by id. */
  direct: ReadonlySet<string>;
  /** The tags of each room. */
  tags: ReadonlyMap<number, readonly string[]>;
};

/** The rooms that a request covers, and how many each of its lists holds in all. */
export type ListRooms = (
  request: Pick<SlidingSyncRequest, 'lists' | 'room_subscriptions'>,
  standings: readonly UserMembership[],
  personal: Personal,
) => Promise<{ covered: CoveredRoom[]; counts: Record<string, { count: number }> }>;

type Deps = { activity: RoomActivity; listRoomFacts: ListRoomFacts; stripRoom: StripRoom; rooms: HotRooms };

/** The user's rooms by their last activity, filtered and cut to the lists' ranges. */
export function createListRooms({ activity, listRoomFacts, stripRoom, rooms }: Deps): ListRooms {
  /** Of rooms that the user is not in, what the invite shows. */
  async function readAllFacts(standings: readonly UserMembership[]): Promise<ReadonlyMap<number, RoomFacts>> {
    const joined = standings.filter((room) => room.membership === 'join');
    const facts = new Map(await listRoomFacts(joined.map((room) => room.roomNid)));
    for (const room of standings) {
      if (room.membership === 'join') continue;
      facts.set(room.roomNid, readFacts((await stripRoom(room)).filter((event) => FACT_TYPES.includes(event.type))));
    }
    return facts;
  }

  /** The children of those of the spaces that the user is in. */
  async function listChildren(spaces: readonly string[], standings: readonly UserMembership[]): Promise<ReadonlySet<string>> {
    const children = new Set<string>();
    for (const { roomNid, roomId, membership } of standings) {
      if (membership !== 'join' || !spaces.includes(roomId)) continue;
      for (const { event } of (await rooms.loadByNid(roomNid))?.listState() ?? []) {
        const isChild = event.type === 'm.space.child' && isJsonObject(event.content) && Array.isArray(event.content['via']);
        if (isChild && event.state_key !== undefined) children.add(event.state_key);
      }
    }
    return children;
  }

  return async function listRooms(request, standings, personal) {
    const shown = standings.filter((room) => SHOWN_MEMBERSHIPS.includes(room.membership));
    const last = await activity.listLastPositions(shown.map((room) => room.roomNid));
    const lastOf = (room: UserMembership) => Math.max(room.membership === 'join' ? (last.get(room.roomNid) ?? 0) : 0, room.position);
    const sorted = shown.map((room) => ({ room, lastPosition: lastOf(room) })).sort((one, other) => other.lastPosition - one.lastPosition);

    const lists = Object.entries(request.lists ?? {});
    const facts = lists.some(([, list]) => list.filters !== undefined) ? await readAllFacts(shown) : new Map<number, RoomFacts>();
    const coverage = new Map<number, string[]>();
    const counts: Record<string, { count: number }> = {};
    for (const [name, { filters, ranges }] of lists) {
      const children = filters?.spaces === undefined ? undefined : await listChildren(filters.spaces, shown);
      const matching = sorted.filter(({ room }) =>
        passesFilters(filters ?? {}, { room, facts: facts.get(room.roomNid), personal, children }),
      );
      counts[name] = { count: matching.length };
      for (const { room } of ranges === undefined ? matching : ranges.flatMap(([from, to]) => matching.slice(from, to + 1))) {
        const covering = coverage.get(room.roomNid) ?? [];
        if (!covering.includes(name)) coverage.set(room.roomNid, [...covering, name]);
      }
    }
    const covered = sorted.flatMap(({ room, lastPosition }): CoveredRoom[] => {
      const names = coverage.get(room.roomNid) ?? [];
      const subscription = request.room_subscriptions?.[room.roomId];
      if (names.length === 0 && subscription === undefined) return [];
      const config = combineConfigs([
        ...names.flatMap((name) => request.lists?.[name] ?? []),
        ...(subscription === undefined ? [] : [subscription]),
      ]);
      return [{ standing: room, config, lastPosition, lists: names, isSubscribed: subscription !== undefined }];
    });
    return { covered, counts };
  };
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
