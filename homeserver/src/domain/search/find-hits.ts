import type { RoomEventFilter } from 'federation-spec/api/schemas/filters.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid, type StoredEvent } from '../../storage/events.ts';
import { listMembershipsOfUser, type UserMembership } from '../../storage/memberships.ts';
import { listSearchHits, type SearchHit, type SearchKey } from '../../storage/search.ts';
import type { ListIgnored } from '../accounts/ignored-users.ts';
import { passesFilter, passesRoomFilter } from '../rooms/event-filter.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { MaySee, RoomView, ViewRoom } from '../rooms/visibility.ts';
import type { SearchPlace } from './search-place.ts';
import { TYPE_OF_KEY } from './searchable-text.ts';

/** Most hits that are looked at for one page. */
const MAX_HITS = 500;
/** How far back a room's predecessors are followed. */
const MAX_PREDECESSORS = 20;

export type HitsRequest = {
  user: { userId: string; userNid: number };
  term: string;
  keys: readonly SearchKey[];
  filter: RoomEventFilter;
  place: SearchPlace;
};

/** What of the searched words this user may see, in the order asked for; with the rooms by number. */
export type FindHits = (request: HitsRequest) => Promise<{ hits: SearchHit[]; roomIds: ReadonlyMap<number, string> }>;

type Deps = { database: Database; rooms: HotRooms; viewRoom: ViewRoom; listIgnored: ListIgnored };

/**
 * 1. The rooms: those the user is or was in, not forgotten, not encrypted, that the filter lets through, with the rooms that those replaced.
 * 2. The hits in them, without those of ignored people. 3. Those that the user may see.
 */
export function createFindHits({ database, rooms, viewRoom, listIgnored }: Deps): FindHits {
  async function listScope(userNid: number, filter: RoomEventFilter, group: SearchPlace['group']): Promise<UserMembership[]> {
    const wanted = filter.rooms === undefined ? filter : { ...filter, rooms: await withPredecessors(filter.rooms) };
    const standings = await listMembershipsOfUser(database.sql, userNid);
    const readable = standings.filter(
      ({ membership, roomId }) => membership !== 'invite' && membership !== 'knock' && passesRoomFilter(roomId, wanted),
    );
    const chosen = group?.key === 'room_id' ? readable.filter((room) => room.roomId === group.value) : readable;
    return chosen.filter((room) => rooms.peek(room.roomNid)?.find('m.room.encryption', '') === undefined);
  }

  async function withPredecessors(roomIds: readonly string[]): Promise<string[]> {
    const all = new Set(roomIds);
    let next = [...all];
    for (let hop = 0; hop < MAX_PREDECESSORS && next.length > 0; hop += 1) {
      const older: string[] = [];
      for (const roomId of next) {
        const predecessor = (await rooms.load(roomId))?.find('m.room.create', '')?.content['predecessor'];
        const olderId: unknown = isJsonObject(predecessor) ? predecessor['room_id'] : undefined;
        if (typeof olderId === 'string' && !all.has(olderId)) older.push(olderId);
      }
      for (const roomId of older) all.add(roomId);
      next = older;
    }
    return [...all];
  }

  async function keepVisible(userId: string, hits: readonly SearchHit[], scope: readonly UserMembership[]): Promise<SearchHit[]> {
    const standings = new Map(scope.map((room) => [room.roomNid, room]));
    const views = new Map<number, RoomView>();
    const backfilled = hits.filter((hit) => hit.position <= 0).map((hit) => hit.eventNid);
    const history = new Map((await listEventsByNid(database.sql, backfilled)).map((event) => [event.eventNid, event]));
    const visible: SearchHit[] = [];
    for (const hit of hits) {
      const standing = standings.get(hit.roomNid);
      const wasThere = standing?.membership === 'join' && hit.position > standing.position;
      if (!wasThere) {
        const view = views.get(hit.roomNid) ?? (await viewRoom(hit.roomNid, userId));
        views.set(hit.roomNid, view);
        const event = hit.position > 0 ? { ...hit, type: TYPE_OF_KEY[hit.key] } : history.get(hit.eventNid);
        if (event === undefined || !(await maySee(view, event))) continue;
      }
      visible.push(hit);
    }
    return visible;
  }

  return async function findHits({ user, term, keys, filter, place }) {
    const scope = await listScope(user.userNid, filter, place.group); // 1
    const found = await listSearchHits(database.sql, {
      term,
      roomNids: scope.map((room) => room.roomNid),
      keys: keys.filter((key) => hasWantedType(key, filter)),
      order: place.order,
      before: place.order === 'recent' && place.seen > 0 ? place.place : undefined,
      sender: place.group?.key === 'sender' ? place.group.value : undefined,
      senders: filter.senders,
      notSenders: [...(filter.not_senders ?? []), ...(await listIgnored(user.userNid)).userIds],
      hasUrl: filter.contains_url,
      limit: MAX_HITS,
    }); // 2
    const hits = await keepVisible(user.userId, found, scope); // 3
    return { hits, roomIds: new Map(scope.map((room) => [room.roomNid, room.roomId])) };
  };
}

async function maySee(view: RoomView, event: StoredEvent | Parameters<MaySee>[0]): Promise<boolean> {
  if ('basePos' in event) await view.learn([event]);
  return view.maySee(event);
}

function hasWantedType(key: SearchKey, { types, not_types }: RoomEventFilter): boolean {
  const ofType = { ...(types === undefined ? {} : { types }), ...(not_types === undefined ? {} : { not_types }) };
  return passesFilter({ type: TYPE_OF_KEY[key], sender: '', content: {} }, ofType);
}
