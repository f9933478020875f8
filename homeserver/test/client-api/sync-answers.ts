import { type ClientEvent, type TestUser, withRoomSections } from '../kit/test-user.ts';

export type SyncedRoom = {
  timeline: { events: ClientEvent[]; limited: boolean; prev_batch: string };
  state: { events: ClientEvent[] };
  state_after?: { events: ClientEvent[] };
  summary?: Record<string, unknown>;
  ephemeral: { events: { type: string; content: Record<string, unknown> }[] };
  account_data: { events: { type: string; content: Record<string, unknown> }[] };
};
export type SyncAnswer = {
  next_batch: string;
  rooms: {
    join: Record<string, SyncedRoom>;
    leave: Record<string, SyncedRoom>;
    invite: Record<string, { invite_state: { events: ClientEvent[] } }>;
    knock: Record<string, { knock_state: { events: ClientEvent[] } }>;
  };
  presence?: { events: { type: string; sender: string; content: Record<string, unknown> }[] };
  account_data?: { events: { type: string; content: Record<string, unknown> }[] };
};

/** One `/sync` with a filter given inline, and whatever other parameters. */
export async function syncWith(
  user: TestUser,
  { since, filter, ...others }: { since?: string | undefined; filter?: object; [parameter: string]: unknown } = {},
): Promise<SyncAnswer> {
  const query = new URLSearchParams({ timeout: '0' });
  if (since !== undefined) query.set('since', since);
  if (filter !== undefined) query.set('filter', JSON.stringify(filter));
  for (const [name, value] of Object.entries(others)) query.set(name, String(value));
  return withRoomSections(await user.call('GET', `/_matrix/client/v3/sync?${query}`)) as unknown as SyncAnswer;
}

export const membersOf = (room: SyncedRoom | undefined): (string | undefined)[] =>
  (room?.state.events ?? [])
    .filter((event) => event.type === 'm.room.member')
    .map((event) => event.state_key)
    .sort();

export const bodiesOf = (events: readonly ClientEvent[] | undefined): unknown[] =>
  (events ?? []).filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);

export const roomPath = (roomId: string, rest = ''): string => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}${rest}`;

/** Has a user ignore these people and nobody else. */
export async function ignoreUsers(user: TestUser, userIds: readonly string[]): Promise<void> {
  const path = `/_matrix/client/v3/user/${user.id}/account_data/m.ignored_user_list`;
  await user.call('PUT', path, { ignored_users: Object.fromEntries(userIds.map((userId) => [userId, {}])) });
}
