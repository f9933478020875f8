import type { SlidingSyncRoom } from 'federation-spec/api/schemas/sliding-sync.ts';
import type { Database } from '../../../storage/database.ts';
import type { UserMembership } from '../../../storage/memberships.ts';
import { listLastPositionsOfTypes } from '../../../storage/sync.ts';
import { MEMBER } from '../../rooms/hot-room.ts';
import type { ClientEvent } from '../../rooms/render-events.ts';
import type { RoomToTell, TellRooms, ToldRoom } from '../joined-rooms.ts';
import type { SyncDevice, UnreadCounts, UnreadForSync } from '../sources.ts';
import type { StripRoom } from '../strip-room.ts';
import type { Position, SentRoom } from './connections.ts';
import type { CoveredRoom } from './list-rooms.ts';
import { isLazy, wantsMoreState, wantsOtherMembers, wantsState } from './room-config.ts';
import type { ListRoomFacts, RoomFacts } from './room-facts.ts';

/** What moves a room up in a client's list. https://github.com/matrix-org/matrix-spec-proposals/pull/4186 ("bump_stamp") */
const BUMP_TYPES = [
  'm.room.create',
  'm.room.message',
  'm.room.encrypted',
  'm.sticker',
  'm.call.invite',
  'm.poll.start',
  'org.matrix.msc3381.poll.start',
  'm.beacon_info',
  'org.matrix.msc3672.beacon_info',
];
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

/** What is told of the rooms, by id, and what the client then knows of every room of the connection. */
export type TellSlidingRooms = (
  request: Request,
) => Promise<{ rooms: Record<string, SlidingSyncRoom>; sent: ReadonlyMap<number, SentRoom> }>;

type Deps = { database: Database; tellRooms: TellRooms; stripRoom: StripRoom; unread: UnreadForSync; listRoomFacts: ListRoomFacts };
type Change = { room: CoveredRoom; sent: SentRoom | undefined; toTell: RoomToTell; isExpanded: boolean; hasOtherNews: boolean };

/**
 * 1. The covered rooms with news: never sent, active since, wanted more of, or counted otherwise. 2. Their timelines and states.
 * 3. Invites and knocks. 4. Rooms of the connection that the user has left.
 */
export function createTellSlidingRooms({ database, tellRooms, stripRoom, unread, listRoomFacts }: Deps): TellSlidingRooms {
  async function listChanges({ device, upTo, before, covered, direct }: Request): Promise<Change[]> {
    const after = before?.token.position;
    const recounted = new Set(after === undefined ? [] : await unread.changedRooms({ userNid: device.userNid, after, upTo }));
    return covered.flatMap((room): Change[] => {
      const { standing, config, lastPosition } = room;
      const known = before?.rooms.get(standing.roomNid);
      const sent = known?.membership === 'join' ? known : undefined;
      const isExpanded = sent !== undefined && config.timelineLimit > sent.config.timelineLimit;
      const isStateWider = sent !== undefined && wantsMoreState(config, sent.config);
      const isBack = before?.covered.has(standing.roomNid) === false;
      const hasOtherNews =
        sent === undefined || isExpanded || isBack || recounted.has(standing.roomNid) || sent.isDirect !== direct.has(standing.roomId);
      if (!hasOtherNews && !isStateWider && lastPosition <= sent.upTo) return [];
      const toTell: RoomToTell = {
        roomNid: standing.roomNid,
        roomId: standing.roomId,
        after: sent === undefined || isExpanded ? 0 : sent.upTo,
        stateAfter: sent === undefined || isStateWider ? 0 : sent.upTo,
        upTo,
        since: standing.position,
        isLeft: false,
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

  async function tellJoined(request: Request, rooms: Record<string, SlidingSyncRoom>, sentRooms: Map<number, SentRoom>): Promise<void> {
    const { device, upTo, before, direct } = request;
    const covered = request.covered.filter(({ standing }) => standing.membership === 'join');
    const changes = await listChanges({ ...request, covered });
    const told = await readAll(changes, request);
    const roomNids = changes.map(({ room }) => room.standing.roomNid);
    const [counts, facts, bumps] = await Promise.all([
      unread.count(device, roomNids),
      listRoomFacts(roomNids),
      listLastPositionsOfTypes(database.sql, roomNids, { types: BUMP_TYPES, upTo }),
    ]);
    const bumpStamps = new Map(bumps.map(({ roomNid, position }) => [roomNid, position]));
    for (const { standing, config } of covered) {
      const sent = sentRooms.get(standing.roomNid);
      if (sent?.membership === 'join') sentRooms.set(standing.roomNid, { ...sent, config });
    }
    for (const { room, sent, toTell, isExpanded, hasOtherNews } of changes) {
      const { standing, config } = room;
      const news = told.get(toTell.roomNid);
      if (news === undefined) continue;
      const state = pickState(news, { room, sent, userId: device.userId });
      const isDirect = direct.has(standing.roomId);
      const toldMembers = state.filter((event) => event.type === MEMBER).map((event) => [event.state_key ?? '', event.event_id] as const);
      const members = new Map([...new Map([...(sent?.members ?? []), ...toldMembers])].slice(-MAX_REMEMBERED_MEMBERS));
      sentRooms.set(toTell.roomNid, { membership: 'join', since: standing.position, upTo, config, isDirect, members });
      if (!hasOtherNews && state.length === 0 && news.timeline.events.length === 0 && !hasFaceChanged(news)) continue;
      const liveAfter = before?.token.position;
      rooms[standing.roomId] = {
        ...describe(news, { facts: facts.get(toTell.roomNid), isInitial: sent === undefined }),
        ...(sent === undefined ? { initial: true } : {}),
        ...(sent === undefined || sent.isDirect !== isDirect ? { is_dm: isDirect } : {}),
        ...(isExpanded ? { unstable_expanded_timeline: true } : {}),
        membership: 'join',
        required_state: state,
        timeline: news.timeline.events,
        ...(news.timeline.prev_batch === undefined ? {} : { prev_batch: news.timeline.prev_batch }),
        limited: news.timeline.limited === true,
        num_live: liveAfter === undefined ? 0 : news.positions.filter((position) => position > liveAfter).length,
        bump_stamp: bumpStamps.get(toTell.roomNid) ?? standing.position,
        ...countsOf(counts.get(toTell.roomNid)),
      };
    }
  }

  async function tellInvites(request: Request, rooms: Record<string, SlidingSyncRoom>, sentRooms: Map<number, SentRoom>): Promise<void> {
    for (const { standing, config } of request.covered) {
      const { membership, roomNid, roomId, position } = standing;
      if (membership !== 'invite' && membership !== 'knock') continue;
      const sent = sentRooms.get(roomNid);
      if (sent?.membership === membership && sent.since === position) continue;
      const isDirect = request.direct.has(roomId);
      sentRooms.set(roomNid, { membership, since: position, upTo: request.upTo, config, isDirect, members: new Map() });
      rooms[roomId] = { initial: true, membership, is_dm: isDirect, bump_stamp: position, invite_state: await stripRoom(standing) };
    }
  }

  /** Each is told once, until when the user was in it, and is then no part of the connection. */
  async function tellLeft(request: Request, rooms: Record<string, SlidingSyncRoom>, sentRooms: Map<number, SentRoom>): Promise<void> {
    const { device, upTo, boot, standings } = request;
    const standingOf = new Map(standings.map((room) => [room.roomNid, room]));
    for (const [roomNid, sent] of [...sentRooms]) {
      const standing = standingOf.get(roomNid);
      if (standing !== undefined && standing.membership !== 'leave' && standing.membership !== 'ban') continue;
      sentRooms.delete(roomNid);
      if (standing === undefined) continue;
      const { roomId, position, membership } = standing;
      const toTell = { roomNid, roomId, after: sent.upTo, stateAfter: sent.upTo, upTo: position, since: position, isLeft: true };
      const filter = { room: { timeline: { limit: Math.max(1, sent.config.timelineLimit) }, state: { lazy_load_members: true } } };
      const news = (await tellRooms([toTell], { device, upTo, boot, filter, wantsStateAfter: true })).get(roomNid);
      const isOwn = (event: Pick<ClientEvent, 'type' | 'state_key'>) => event.type === MEMBER && event.state_key === device.userId;
      const own = [...(news?.state ?? []), ...(news?.timeline.events ?? [])].filter(isOwn).slice(-1);
      rooms[roomId] = {
        membership,
        required_state: own,
        timeline: news?.timeline.events ?? [],
        limited: news?.timeline.limited === true,
      };
    }
  }

  return async function tellSlidingRooms(request) {
    const rooms: Record<string, SlidingSyncRoom> = {};
    const sent = new Map(request.before?.rooms);
    await tellLeft(request, rooms, sent);
    await tellJoined(request, rooms, sent);
    await tellInvites(request, rooms, sent);
    return { rooms, sent };
  };
}

/** What is asked for of the state that changed; and, when members are told of lazily, who speaks, and who changed where there is no gap. */
function pickState(
  { state, timeline }: ToldRoom,
  { room, sent, userId }: { room: CoveredRoom; sent: SentRoom | undefined; userId: string },
): ClientEvent[] {
  const { config } = room;
  const speakers = new Set(timeline.events.flatMap((event) => (event.type === MEMBER ? [event.sender, event.state_key] : [event.sender])));
  const tellsChangedMembers = sent !== undefined && timeline.limited !== true;
  return state.filter((event) => {
    const stateKey = event.state_key ?? '';
    if (event.type === MEMBER && sent?.members.get(stateKey) === event.event_id) return false;
    if (wantsState(config, event.type, stateKey, userId)) return true;
    if (event.type !== MEMBER || !isLazy(config)) return false;
    return tellsChangedMembers || speakers.has(stateKey);
  });
}

function hasFaceChanged({ state }: ToldRoom): boolean {
  return state.some((event) => event.type === 'm.room.name' || event.type === 'm.room.avatar');
}

/** What the room is called, and how many are in it, where that may have changed. */
function describe(news: ToldRoom, { facts, isInitial }: { facts: RoomFacts | undefined; isInitial: boolean }): SlidingSyncRoom {
  const has = (type: string) => isInitial || news.state.some((event) => event.type === type);
  const { summary } = news;
  const faces = new Map(news.state.filter((event) => event.type === MEMBER).map((event) => [event.state_key, event.content]));
  const heroes = (summary?.['m.heroes'] ?? []).map((userId) => ({ user_id: userId, ...faceOf(faces.get(userId)) }));
  return {
    ...(facts?.name !== undefined && has('m.room.name') ? { name: facts.name } : {}),
    ...(has('m.room.avatar') && (facts?.avatar !== undefined || !isInitial) ? { avatar: facts?.avatar ?? null } : {}),
    ...(summary !== undefined && facts?.name === undefined ? { heroes } : {}),
    ...(summary?.['m.joined_member_count'] === undefined ? {} : { joined_count: summary['m.joined_member_count'] }),
    ...(summary?.['m.invited_member_count'] === undefined ? {} : { invited_count: summary['m.invited_member_count'] }),
  };
}

function faceOf(content: Readonly<Record<string, unknown>> | undefined): { displayname?: string; avatar_url?: string } {
  const displayname = content?.['displayname'];
  const avatarUrl = content?.['avatar_url'];
  return {
    ...(typeof displayname === 'string' ? { displayname } : {}),
    ...(typeof avatarUrl === 'string' ? { avatar_url: avatarUrl } : {}),
  };
}

function countsOf(counts: UnreadCounts | undefined): { notification_count: number; highlight_count: number } {
  const threads = [...(counts?.byThread?.values() ?? [])];
  const sum = (pick: 'notifications' | 'highlights') => threads.reduce((total, thread) => total + thread[pick], counts?.[pick] ?? 0);
  return { notification_count: sum('notifications'), highlight_count: sum('highlights') };
}
