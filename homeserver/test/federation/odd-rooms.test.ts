import type { JsonObject } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

const nameOf = createNames();
const cleanup = createCleanup();
let peer: HostilePeer;
let romeo: TestUser;

beforeAll(async () => {
  const servers = cleanup.use(await startServers(1));
  peer = cleanup.use(await startHostilePeer(servers.ca));
  romeo = await servers.user('romeo', 0);
});
afterAll(cleanup.run);

const bare = { num_joined_members: 0, world_readable: false, guest_can_join: false };
const odd = (roomId: string): JsonObject => ({
  room_id: roomId,
  name: null,
  topic: 7,
  canonical_alias: '',
  avatar_url: { no: 'address' },
  num_joined_members: 'many',
  world_readable: 'yes',
  join_rule: 'public',
});

test('an odd room, or none at all, does not hide the others in the directory of another server', async () => {
  const good = {
    room_id: '!good:a.test',
    name: 'Good',
    canonical_alias: '#good:a.test',
    ...bare,
    num_joined_members: 3,
    world_readable: true,
  };
  const chunk = [odd('!odd:a.test'), good, null, 'room', { name: 'without an id' }, { room_id: 5 }];
  peer.answer(() => ({ chunk, next_batch: null, total_room_count_estimate: 6 }));
  const answer = await romeo.call('GET', `/_matrix/client/v3/publicRooms?server=${encodeURIComponent(peer.name)}`);
  expect(answer).toEqual({ chunk: [{ room_id: '!odd:a.test', join_rule: 'public', ...bare }, good], total_room_count_estimate: 6 });
});

test('a directory with long topics is read whole', async () => {
  const chunk = Array.from({ length: 60 }, (_, index) => ({ room_id: `!long${index}:a.test`, topic: 'x'.repeat(20_000), ...bare }));
  peer.answer(() => ({ chunk }));
  const answer = await romeo.call('GET', `/_matrix/client/v3/publicRooms?server=${encodeURIComponent(peer.name)}&limit=60`);
  expect(answer['chunk']).toHaveLength(60);
});

test('nor in a space of another server, however odd what it says of its children', async () => {
  const space = await romeo.createRoom({ creation_content: { type: 'm.space' } });
  const remote = `!${nameOf('space')}:${peer.name}`;
  await romeo.setState(space, 'm.space.child', { via: [peer.name] }, remote);
  const child = (stateKey: unknown, changes: JsonObject = {}) => ({
    type: 'm.space.child',
    sender: `@tybalt:${peer.name}`,
    state_key: stateKey,
    content: { via: [peer.name] },
    origin_server_ts: 1,
    ...changes,
  });
  const room = {
    ...odd(remote),
    room_type: 'm.space',
    children_state: [
      child('!odd:a.test'),
      child(5),
      child('nonsense'),
      null,
      child('!late:a.test', { origin_server_ts: 'x' }),
      child('!good:a.test'),
    ],
  };
  const children = [odd('!odd:a.test'), null, { room_id: '!good:a.test', allowed_room_ids: [5, '!x:y'], room_version: 12, ...bare }];
  peer.answer((_method, path) =>
    path.includes(encodeURIComponent(remote)) ? { room, children, inaccessible_children: [null, 7] } : undefined,
  );
  const answer = await romeo.call('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(space)}/hierarchy`);
  const rooms = answer['rooms'] as JsonObject[];
  expect(rooms.map((each) => each['room_id'])).toEqual([space, remote, '!odd:a.test', '!good:a.test']);
  expect(rooms.at(-1)).toEqual({ room_id: '!good:a.test', ...bare, allowed_room_ids: ['!x:y'], children_state: [] });
});
