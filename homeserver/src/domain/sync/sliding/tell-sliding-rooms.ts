import type { SlidingSyncRoom } from 'federation-spec/api/schemas/sliding-sync.ts';
import type { Database } from '../../../storage/database.ts';
import type { StoredEvent } from '../../../storage/events.ts';
import type { UserMembership } from '../../../storage/memberships.ts';
import { listMembersOfRooms } from '../../../storage/sync.ts';
import { MEMBER } from '../../rooms/hot-room.ts';
import type { ListRoomFacts } from '../room-facts.ts';
import type { RoomToTell, StateStub, TellRooms, ToldRoom } from '../room-to-tell.ts';
import { isGone } from '../sort-rooms.ts';
import type { SyncDevice, UnreadForSync } from '../sources.ts';
import type { StripRooms } from '../strip-rooms.ts';
import type { ListBumpStamps } from './bump-stamps.ts';
import type { Position, SentRoom } from './connection.ts';
import { countsOf, describeRoom, hasFaceChanged, pickLost, pickState, readLastFacts } from './describe-room.ts';
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

/** A room in the form that clients in use take, but that a name which was taken away is null, and state that is no more is told. */
export type TellableRoom = Omit<SlidingSyncRoom, 'name'> & { name?: string | null; lost?: readonly StateStub[] };

/** What is told of the rooms, by id, and what the client then knows of every room of the connection. */
export type TellSlidingRooms = (request: Request) => Promise<{ rooms: Record<string, TellableRoom>; sent: ReadonlyMap<number, SentRoom> }>;

type Deps = {
  database: Database;
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
export function createTellSlidingRooms({ database, listBumpStamps, tellRooms, stripRooms, unread, listRoomFacts }: Deps): TellSlidingRooms {
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
        lostAfter: sent?.upTo,
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
    const [counts, facts, bumpStamps, heroes] = await Promise.all([
      unread.count(device, joined),
      listRoomFacts(joined),
      listBumpStamps(joined, upTo),
      listHeroes(told, upTo),
    ]);
    for (const { standing, config } of covered) {
      const sent = sentRooms.get(standing.roomNid);
      if (sent?.membership === standing.membership) sentRooms.set(standing.roomNid, { ...sent, config });
    }
    for (const change of changes) {
      const { room, sent, toTell, isExpanded, hasOtherNews } = change;
      const { standing } = room;
      const { roomNid } = toTell;
      const news = told.get(roomNid);
      if (news === undefined) continue;
      const { state, lost } = pickNews(change, news, device.userId);
      const isDirect = direct.has(standing.roomId);
      sentRooms.set(roomNid, sentNow(change, { state, lost, upTo, isDirect }));
      const isQuiet = state.length === 0 && lost.length === 0 && news.timeline.events.length === 0 && !hasFaceChanged(news);
      if (!hasOtherNews && isQuiet) continue;
      const liveAfter = before?.token.position;
      const known = toTell.isLeft ? readLastFacts(news) : facts.get(roomNid);
      rooms[standing.roomId] = {
        ...describeRoom(news, { facts: known, isInitial: sent === undefined, members: heroes.get(roomNid) ?? [] }),
        ...(sent === undefined ? { initial: true } : {}),
        ...(sent === undefined || sent.isDirect !== isDirect ? { is_dm: isDirect } : {}),
        ...(isExpanded ? { unstable_expanded_timeline: true } : {}),
        ...(room.lists.length === 0 ? {} : { lists: room.lists }),
        membership: standing.membership,
        required_state: state,
        ...(lost.length === 0 ? {} : { lost }),
        timeline: news.timeline.events,
        ...(news.timeline.prev_batch === undefined ? {} : { prev_batch: news.timeline.prev_batch }),
        limited: news.timeline.limited === true,
        num_live: liveAfter === undefined ? 0 : news.positions.filter((position) => position > liveAfter).length,
        bump_stamp: bumpStamps.get(roomNid) ?? standing.position,
        ...(toTell.isLeft ? {} : countsOf(counts.get(roomNid))),
      };
    }
  }

  /** The memberships of those by whom rooms without a name are called. */
  async function listHeroes(told: ReadonlyMap<number, ToldRoom>, upTo: number): Promise<Map<number, StoredEvent[]>> {
    const wanted = [...told].map(([roomNid, { heroes = [] }]) => ({ roomNid, at: upTo, userIds: heroes }));
    return Map.groupBy(await listMembersOfRooms(database.sql, wanted), ({ roomNid }) => roomNid);
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

/** Of the room's state what its reader asked for. */
function pickNews({ room: { config }, sent, toTell }: Change, news: ToldRoom, userId: string) {
  const picked = pickState(news, { config, sent, userId });
  return { state: toTell.isLeft ? withOwnMembership(picked, news, userId) : picked, lost: pickLost(news, { config, userId }) };
}

/** What the client knows of a room once it is told of it. */
function sentNow(
  { room: { standing, config }, sent }: Change,
  { state, lost, upTo, isDirect }: { state: ToldRoom['state']; lost: readonly StateStub[]; upTo: number; isDirect: boolean },
): SentRoom {
  const members = new Map(sent?.members);
  for (const { type, stateKey } of lost) if (type === MEMBER) members.delete(stateKey);
  for (const event of state) {
    if (event.type !== MEMBER) continue;
    members.delete(event.state_key ?? '');
    members.set(event.state_key ?? '', event.event_id);
  }
  const { membership, position: since } = standing;
  return { membership, since, upTo, config, isDirect, members: new Map([...members].slice(-MAX_REMEMBERED_MEMBERS)) };
}

/** Who left is told so, whatever state they asked for. */
function withOwnMembership(picked: ToldRoom['state'], { state, timeline }: ToldRoom, userId: string): ToldRoom['state'] {
  const isOwn = (event: ToldRoom['state'][number]) => event.type === MEMBER && event.state_key === userId;
  if (picked.some(isOwn)) return picked;
  return [...picked, ...[...state, ...(timeline.events as ToldRoom['state'])].filter(isOwn).slice(-1)];
}
