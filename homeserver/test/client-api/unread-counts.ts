import type { SlidingSyncRequest } from 'federation-spec/api/schemas/sliding-sync.ts';
import { slide } from '../kit/slide.ts';
import type { TestUser } from '../kit/test-user.ts';

type Json = Record<string, unknown>;
export type Count = { notification_count: number; highlight_count: number };
export type Unread = { main: Count; threads: Record<string, Count> };
type Room = { unread_notifications?: Count; unread_thread_notifications?: Record<string, Count> };

const WITH_THREADS = JSON.stringify({ room: { timeline: { limit: 1, unread_thread_notifications: true } } });

/** What the user has not read in a room, as a fresh sync tells it. */
export async function readUnread(user: TestUser, roomId: string): Promise<Unread> {
  return unreadOf(await user.call('GET', `/_matrix/client/v3/sync?filter=${encodeURIComponent(WITH_THREADS)}`), roomId) ?? NONE;
}

/** The same without threads: all of it is counted for the room. */
export async function readUnreadOfRoom(user: TestUser, roomId: string): Promise<Count> {
  const filter = encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 1 } } }));
  return unreadOf(await user.call('GET', `/_matrix/client/v3/sync?filter=${filter}`), roomId)?.main ?? NONE.main;
}

/** A badge, as a client keeps it: what the last sync that spoke of the room said. */
export function createBadge(user: TestUser, roomId: string): () => Promise<Unread> {
  let since = '';
  let shown = NONE;
  return async () => {
    const path = `/_matrix/client/v3/sync?filter=${encodeURIComponent(WITH_THREADS)}${since === '' ? '' : `&since=${since}`}`;
    const answer = await user.call('GET', path);
    since = String(answer['next_batch']);
    shown = unreadOf(answer, roomId) ?? shown;
    return shown;
  };
}

/** The same by sliding sync, which tells of no threads. */
export function createSlidingBadge(user: TestUser, roomId: string): () => Promise<Count> {
  const body: SlidingSyncRequest = { lists: { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } } };
  let pos: string | undefined;
  let shown = NONE.main;
  return async () => {
    const answer = await slide(user, body, pos);
    pos = answer.pos;
    const room = answer.rooms?.[roomId];
    if (room?.notification_count !== undefined)
      shown = { notification_count: room.notification_count, highlight_count: room.highlight_count ?? 0 };
    return shown;
  };
}

const NONE: Unread = { main: { notification_count: 0, highlight_count: 0 }, threads: {} };

function unreadOf(answer: Json, roomId: string): Unread | undefined {
  const room = (answer['rooms'] as { join?: Record<string, Room> } | undefined)?.join?.[roomId];
  if (room?.unread_notifications === undefined) return undefined;
  return { main: room.unread_notifications, threads: room.unread_thread_notifications ?? {} };
}

export async function setRule(user: TestUser, kind: string, ruleId: string, rule: Json): Promise<void> {
  await user.call('PUT', `/_matrix/client/v3/pushrules/global/${kind}/${encodeURIComponent(ruleId)}`, rule);
}

export async function deleteRule(user: TestUser, kind: string, ruleId: string): Promise<void> {
  await user.call('DELETE', `/_matrix/client/v3/pushrules/global/${kind}/${encodeURIComponent(ruleId)}`);
}

export const inThread = (root: string, body: string): Json => ({
  msgtype: 'm.text',
  body,
  'm.relates_to': { rel_type: 'm.thread', event_id: root },
});

export async function redact(user: TestUser, roomId: string, eventId: string): Promise<void> {
  await user.call(
    'PUT',
    `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(eventId)}/${eventId.slice(1)}`,
    {},
  );
}
