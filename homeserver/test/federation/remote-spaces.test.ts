import type { JsonObject } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

const nameOf = createNames();
const cleanup = createCleanup();
let peer: HostilePeer;
let romeo: TestUser;
let space: string;

beforeAll(async () => {
  const servers = cleanup.use(await startServers(1));
  peer = cleanup.use(await startHostilePeer(servers.ca));
  romeo = await servers.user('romeo', 0);
});
afterAll(cleanup.run);
beforeEach(async () => {
  peer.seen.length = 0;
  space = await romeo.createRoom({ creation_content: { type: 'm.space' } });
});

const describe = (roomId: string, changes: JsonObject = {}): JsonObject => ({
  room_id: roomId,
  num_joined_members: 1,
  world_readable: false,
  guest_can_join: false,
  join_rule: 'public',
  ...changes,
});
const childOf = (roomId: string): JsonObject => ({
  type: 'm.space.child',
  sender: `@tybalt:${peer.name}`,
  state_key: roomId,
  content: { via: [peer.name] },
  origin_server_ts: 1,
});
const names = (kind: string, count: number) => Array.from({ length: count }, (_, index) => `!${nameOf(kind)}-${index}:${peer.name}`);
const questions = () => peer.seen.filter(({ path }) => path.includes('/hierarchy/')).map(({ path }) => decodeURIComponent(path));

/** Has the peer tell of a space of its own, which is the one child of ours. */
async function tell(room: JsonObject, children: JsonObject[], inaccessible: string[] = [], others: JsonObject[] = []): Promise<string> {
  const roomId = String(room['room_id']);
  await romeo.setState(space, 'm.space.child', { via: [peer.name] }, roomId);
  const told = [{ room, children, inaccessible_children: inaccessible }, ...others];
  peer.answer((_method, path) =>
    path.includes('/hierarchy/')
      ? told.find((answer) => decodeURIComponent(path).includes(String((answer['room'] as JsonObject)['room_id'])))
      : undefined,
  );
  return roomId;
}

async function walk(query = ''): Promise<{ rooms: string[]; next: string | undefined }> {
  const answer = await romeo.call('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(space)}/hierarchy?${query}`);
  const next = answer['next_batch'];
  return {
    rooms: (answer['rooms'] as JsonObject[]).map((room) => String(room['room_id'])),
    next: next === undefined ? next : String(next),
  };
}

test('the rooms of a space are told by the server that tells of the space, which is asked once', async () => {
  const rooms = names('room', 60);
  const [secret = ''] = names('secret', 1);
  const [hidden = ''] = names('hidden', 1);
  const remote = describe(`!${nameOf('space')}:${peer.name}`, {
    room_type: 'm.space',
    children_state: [...rooms, secret, hidden].map(childOf),
  });
  const members = { join_rule: 'restricted', allowed_room_ids: ['!elsewhere:a.test'] };
  const roomId = await tell(remote, [...rooms.map((room) => describe(room)), describe(hidden, members)], [secret]);
  const first = await walk('limit=40');
  expect(first.rooms).toEqual([space, roomId, ...rooms.slice(0, 38)]);
  expect((await walk(`limit=40&from=${first.next}`)).rooms).toEqual(rooms.slice(38));
  expect(questions()).toHaveLength(1);
});

test('a space in a space is asked about for the sake of what is in it, and stands for itself when nobody can say', async () => {
  const [inner = '', silent = '', leaf = ''] = names('inner', 3);
  const spaceOf = (id: string, children: string[]) => describe(id, { room_type: 'm.space', children_state: children.map(childOf) });
  const remote = spaceOf(`!${nameOf('space')}:${peer.name}`, [inner, silent]);
  const outline = [inner, silent].map((id) => describe(id, { room_type: 'm.space' }));
  const others = [{ room: spaceOf(inner, [leaf]), children: [describe(leaf)], inaccessible_children: [] }];
  const roomId = await tell(remote, outline, [], others);
  expect((await walk()).rooms).toEqual([space, roomId, inner, leaf, silent]);
  expect(questions()).toHaveLength(3);
  peer.seen.length = 0;
  expect((await walk('max_depth=2')).rooms).toEqual([space, roomId, inner, silent]);
  expect(questions(), 'what is below the deepest is nobody’s question').toHaveLength(1);
});

test('a server cannot describe rooms that are not in its space', async () => {
  const [other = ''] = names('other', 1);
  const remote = describe(`!${nameOf('space')}:${peer.name}`, { room_type: 'm.space', children_state: [] });
  const roomId = await tell(remote, [describe(other, { name: 'a lie' })], [other]);
  await romeo.setState(space, 'm.space.child', { via: [peer.name] }, other);
  expect((await walk()).rooms).toEqual([space, roomId]);
  expect(questions()).toHaveLength(2);
});
