import type { SlidingSyncRoom } from 'federation-spec/api/schemas/sliding-sync.ts';
import type { StoredEvent } from '../../../storage/events.ts';
import { MEMBER } from '../../rooms/hot-room.ts';
import { readPdu } from '../../rooms/read-pdu.ts';
import type { ClientEvent } from '../../rooms/render-events.ts';
import { type RoomFacts, readFacts } from '../room-facts.ts';
import type { StateStub, ToldRoom } from '../room-to-tell.ts';
import type { UnreadCounts } from '../sources.ts';
import type { SentRoom } from './connection.ts';
import { isLazy, type RoomConfig, wantsState } from './room-config.ts';

/** What is asked for of the state that changed; and, when members are told of lazily, who speaks, and who changed where there is no gap. */
export function pickState(
  { state, timeline }: ToldRoom,
  { config, sent, userId }: { config: RoomConfig; sent: SentRoom | undefined; userId: string },
): ClientEvent[] {
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

/** What of the state that is no more the client was told of, or would have been. */
export function pickLost({ lost = [], timeline }: ToldRoom, { config, userId }: { config: RoomConfig; userId: string }): StateStub[] {
  return lost.filter(
    ({ type, stateKey }) => wantsState(config, type, stateKey, userId) || (type === MEMBER && isLazy(config) && timeline.limited !== true),
  );
}

const FACES: readonly string[] = ['m.room.name', 'm.room.avatar'];

export function hasFaceChanged({ state, lost = [] }: ToldRoom): boolean {
  return state.some((event) => FACES.includes(event.type)) || lost.some(({ type }) => FACES.includes(type));
}

/** What a room that the user is in no more was called, by the state that they were told of. */
export function readLastFacts({ state }: ToldRoom): RoomFacts {
  return readFacts(state.filter((event) => event.state_key === ''));
}

/** What the room is called, and how many are in it, where that may have changed. A name that was taken away is null. */
export function describeRoom(
  news: ToldRoom,
  { facts, isInitial, members }: { facts: RoomFacts | undefined; isInitial: boolean; members: readonly StoredEvent[] },
): Omit<SlidingSyncRoom, 'name'> & { name?: string | null } {
  const has = (type: string) => isInitial || [...news.state, ...(news.lost ?? [])].some((entry) => entry.type === type);
  const { summary } = news;
  const faces = new Map(members.map(({ json }) => [readPdu(json).state_key, readPdu(json).content]));
  const heroes = news.heroes?.map((userId) => ({ user_id: userId, ...faceOf(faces.get(userId)) }));
  return {
    ...(has('m.room.name') && (facts?.name !== undefined || !isInitial) ? { name: facts?.name ?? null } : {}),
    ...(has('m.room.avatar') && (facts?.avatar !== undefined || !isInitial) ? { avatar: facts?.avatar ?? null } : {}),
    ...(heroes === undefined ? {} : { heroes }),
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

export function countsOf(counts: UnreadCounts | undefined): { notification_count: number; highlight_count: number } {
  const threads = [...(counts?.byThread?.values() ?? [])];
  const sum = (pick: 'notifications' | 'highlights') => threads.reduce((total, thread) => total + thread[pick], counts?.[pick] ?? 0);
  return { notification_count: sum('notifications'), highlight_count: sum('highlights') };
}
