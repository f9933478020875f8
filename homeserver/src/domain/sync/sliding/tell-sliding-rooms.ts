import type { SlidingSyncRoom } from 'federation-spec/api/schemas/sliding-sync.ts';
import type { UserMembership } from '../../../storage/memberships.ts';
import { MEMBER } from '../../rooms/hot-room.ts';
import type { ListRoomFacts } from '../room-facts.ts';
import type { RoomToTell, TellRooms, ToldRoom } from '../room-to-tell.ts';
import { isGone } from '../sort-rooms.ts';
import type { SyncDevice, UnreadForSync } from '../sources.ts';
import type { StripRooms } from '../strip-rooms.ts';
import type { ListBumpStamps } from './bump-stamps.ts';
import type { Position, SentRoom } from './connections.ts';
import { countsOf, describeRoom, hasFaceChanged, pickState } from './describe-room.ts';
import type { CoveredRoom } from './list-rooms.ts';
import { wantsMoreState, wantsOtherMembers } from './room-config.ts';

/** How many membership events of a room a connection remembers to have sent. */
const MAX_REMEMBERED_MEMBERS = 200;

type Request = {
  device: SyncDevice;
  upTo: number;
  boot: string;
  before: Position | undefined;
  covered: readonly CoveredRoom[];
  standings: readonly UserMembership[];
  direct: ReadonlySet<string>;
};

/** A room in the form that clients in use take, but that a name which was taken away is null. */
export type TellableRoom = Omit<SlidingSyncRoom, 'name'> & { name?: string | null };

/** What is told of the rooms, by id, and what the client then knows of every room of the connection. */
export type TellSlidingRooms = (request: Request) => Promise<{ rooms: Record<string, TellableRoom>; sent: ReadonlyMap<number, SentRoom> }>;

type Deps = {
  listBumpStamps: ListBumpStamps;
  tellRooms: TellRooms;
  stripRooms: StripRooms;
  unread: UnreadForSync;
  listRoomFacts: ListRoomFacts;
};
type Change = { room: CoveredRoom; sent: SentRoom | undefined; toTell: RoomToTell; isExpanded: boolean; hasOtherNews: boolean };
type Telling = { rooms: Record<string, TellableRoom>; sent: Map<number, SentRoom> };

/**
 * 1. The covered rooms with news: never sent, active since, wanted more of, counted otherwise, or left. 2. Their timelines and states.
 * 3. Invites and knocks. 4. Rooms of the connection that the user has left and no list holds any more.
 */
export function createTellSlidingRooms({ listBumpStamps, tellRooms, stripRooms, unread, listRoomFacts }: Deps): TellSlidingRooms {
  async function listChanges({ device, upTo, before, covered, direct }: Request): Promise<Change[]> {
    const after = before?.token.position;
    const recounted = new Set(after === undefined ? [] : await unread.changedRooms({ userNid: device.userNid, after, upTo }));
    return covered.flatMap((room): Change[] => {
      const { standing, config, lastPosition } = room;
      const isLeft = isGone(standing);
      const known = before?.rooms.get(standing.roomNid);
      const sent = known !== undefined && (known.membership === 'join' || isLeft) ? known : undefined;
      const isExpanded = sent !== undefined && config.timelineLimit > sent.config.timelineLimit;
      const isStateWider = sent !== undefined && wantsMoreState(config, sent.config);
      const isBack = before?.covered.has(standing.roomNid) === false;
      const isMoved = isLeft && sent?.since !== standing.position;
      const hasOtherNews =
        sent === undefined ||
        isExpanded ||
        isBack ||
        isMoved ||
        recounted.has(standing.roomNid) ||
        sent.isDirect !== direct.has(standing.roomId);
      if (!hasOtherNews && !isStateWider && lastPosition <= sent.upTo) return [];
      const toTell: RoomToTell = {
        roomNid: standing.roomNid,
        roomId: standing.roomId,
        after: sent === undefined || isExpanded ? 0 : sent.upTo,
        stateAfter: sent === undefined || isStateWider ? 0 : sent.upTo,
        upTo: isLeft ? standing.position : upTo,
        since: standing.position,
        isLeft,
        toldMembers: sent?.members,
      };
      return [{ room, sent, toTell, isExpanded, hasOtherNews }];
    });
  }

  /** Rooms of which as much is wanted are read together. */
  async function readAll(changes: readonly Change[], { device, upTo, boot }: Request): Promise<Map<number, ToldRoom>> {
    const told = new Map<number, ToldRoom>();
    const groups = Map.groupBy(
      changes,
      ({ room, toTell }) => `${room.config.timelineLimit} ${toTell.stateAfter === 0 && wantsOtherMembers(room.config)}`,
    );
    for (const group of groups.values()) {
      const [first] = group;
      if (first === undefined) continue;
      const isWhole = first.toTell.stateAfter === 0 && wantsOtherMembers(first.room.config);
      const filter = { room: { timeline: { limit: first.room.config.timelineLimit }, state: { lazy_load_members: !isWhole } } };
      const rooms = group.map(({ toTell }) => toTell);
      for (const [roomNid, room] of await tellRooms(rooms, { device, upTo, boot, filter, wantsStateAfter: true })) told.set(roomNid, room);
    }
    return told;
  }

  async function tellEntered(request: Request, { rooms, sent: sentRooms }: Telling): Promise<void> {
    const { device, upTo, before, direct } = request;
    const covered = request.covered.filter(({ standing }) => standing.membership === 'join' || isGone(standing));
    const changes = await listChanges({ ...request, covered });
    const told = await readAll(changes, request);
    const joined = changes.filter(({ toTell }) => !toTell.isLeft).map(({ toTell }) => toTell.roomNid);
    const [counts, facts, bumpStamps] = await Promise.all([
      unread.count(device, joined),
      listRoomFacts(joined),
      listBumpStamps(joined, upTo),
    ]);
    for (const { standing, config } of covered) {
      const sent = sentRooms.get(standing.roomNid);
      if (sent?.membership === standing.membership) sentRooms.set(standing.roomNid, { ...sent, config });
    }
    for (const { room, sent, toTell, isExpanded, hasOtherNews } of changes) {
      const { standing, config } = room;
      const news = told.get(toTell.roomNid);
      if (news === undefined) continue;
      const picked = pickState(news, { config, sent, userId: device.userId });
      const state = toTell.isLeft ? withOwnMembership(picked, news, device.userId) : picked;
      const isDirect = direct.has(standing.roomId);
      const toldMembers = state.filter((event) => event.type === MEMBER).map((event) => [event.state_key ?? '', event.event_id] as const);
      const members = new Map([...new Map([...(sent?.members ?? []), ...toldMembers])].slice(-MAX_REMEMBERED_MEMBERS));
      const { membership, position: since } = standing;
      sentRooms.set(toTell.roomNid, { membership, since, upTo, config, isDirect, members });
      if (!hasOtherNews && state.length === 0 && news.timeline.events.length === 0 && !hasFaceChanged(news)) continue;
      const liveAfter = before?.token.position;
      rooms[standing.roomId] = {
        ...describeRoom(news, { facts: facts.get(toTell.roomNid), isInitial: sent === undefined }),
        ...(sent === undefined ? { initial: true } : {}),
        ...(sent === undefined || sent.isDirect !== isDirect ? { is_dm: isDirect } : {}),
        ...(isExpanded ? { unstable_expanded_timeline: true } : {}),
        ...(room.lists.length === 0 ? {} : { lists: room.lists }),
        membership,
        required_state: state,
        timeline: news.timeline.events,
        ...(news.timeline.prev_batch === undefined ? {} : { prev_batch: news.timeline.prev_batch }),
        limited: news.timeline.limited === true,
        num_live: liveAfter === undefined ? 0 : news.positions.filter((position) => position > liveAfter).length,
        bump_stamp: bumpStamps.get(toTell.roomNid) ?? standing.position,
        ...(toTell.isLeft ? {} : countsOf(counts.get(toTell.roomNid))),
      };
    }
  }

  async function tellInvites(request: Request, { rooms, sent: sentRooms }: Telling): Promise<void> {
    const asked = request.covered.filter(({ standing: { membership, roomNid, position } }) => {
      const sent = sentRooms.get(roomNid);
      return (membership === 'invite' || membership === 'knock') && (sent?.membership !== membership || sent.since !== position);
    });
    const stripped = await stripRooms(asked.map(({ standing }) => standing));
    for (const { standing, config, lists } of asked) {
      const { membership, roomNid, roomId, position } = standing;
      const isDirect = request.direct.has(roomId);
      sentRooms.set(roomNid, { membership, since: position, upTo: request.upTo, config, isDirect, members: new Map() });
      rooms[roomId] = {
        initial: true,
        membership,
        is_dm: isDirect,
        bump_stamp: position,
        ...(lists.length === 0 ? {} : { lists }),
        invite_state: stripped.get(roomNid) ?? [],
      };
    }
  }

  /** Rooms of the connection that no list or subscription covers, that the user left since: each is told once. */
  function listForgotten({ covered, standings }: Request, sentRooms: ReadonlyMap<number, SentRoom>): CoveredRoom[] {
    const coveredNids = new Set(covered.map(({ standing }) => standing.roomNid));
    return standings.flatMap((standing): CoveredRoom[] => {
      const sent = sentRooms.get(standing.roomNid);
      if (sent === undefined || !isGone(standing) || sent.since === standing.position || coveredNids.has(standing.roomNid)) return [];
      return [{ standing, config: sent.config, lastPosition: standing.position, lists: [], isSubscribed: false }];
    });
  }

  return async function tellSlidingRooms(request) {
    const telling: Telling = { rooms: {}, sent: new Map(request.before?.rooms) };
    const covered = [...request.covered, ...listForgotten(request, telling.sent)];
    await tellEntered({ ...request, covered }, telling);
    await tellInvites(request, telling);
    const here = new Set(request.standings.map(({ roomNid }) => roomNid));
    for (const roomNid of telling.sent.keys()) if (!here.has(roomNid)) telling.sent.delete(roomNid);
    return telling;
  };
}

/** Who left is told so, whatever state they asked for. */
function withOwnMembership(picked: ToldRoom['state'], { state, timeline }: ToldRoom, userId: string): ToldRoom['state'] {
  const isOwn = (event: ToldRoom['state'][number]) => event.type === MEMBER && event.state_key === userId;
  if (picked.some(isOwn)) return picked;
  return [...picked, ...[...state, ...(timeline.events as ToldRoom['state'])].filter(isOwn).slice(-1)];
}
