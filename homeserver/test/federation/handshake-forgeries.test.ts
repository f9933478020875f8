import type { JsonObject, PduDraft } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type HostilePeer, type PeerRoom, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { TestUser } from '../kit/test-user.ts';

const enc = encodeURIComponent;
let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;
let romeo: TestUser;
let room: PeerRoom;
let otherRoomId: string;
let traps = 0;

beforeAll(async () => {
  servers = await startServers(1);
  server = servers.at(0);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
  const joinRules = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } };
  otherRoomId = await romeo.createRoom({ preset: 'private_chat', initial_state: [joinRules], room_version: '11' });
  room = await peer.join(server, await romeo.createRoom({ preset: 'public_chat', room_version: '11' }), 'tybalt');
});
beforeEach(() => {
  peer.answer(() => undefined);
  peer.seen.length = 0;
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const newTrap = () => `!trap${traps++}:${peer.name}`;
const template = (roomId: string, membership: string, changes: JsonObject = {}): JsonObject => ({
  type: 'm.room.member',
  room_id: roomId,
  sender: romeo.id,
  state_key: romeo.id,
  content: { membership },
  depth: 5,
  prev_events: ['$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
  auth_events: ['$bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'],
  origin_server_ts: 0,
  ...changes,
});
const lies = (): JsonObject[] => [
  { type: 'm.room.power_levels', state_key: '' },
  { room_id: otherRoomId },
  { sender: `@someone:${server.name}` },
  { state_key: `@someone:${server.name}` },
  { content: { membership: 'ban' } },
  { content: { membership: 'join' } },
  { depth: -5 },
  { prev_events: 'no list' },
];

/** What the server signed and sent, of all that it was asked to. */
const signed = (endpoint: string) => peer.seen.filter(({ path }) => path.includes(`/${endpoint}/`)).map(({ body }) => body as JsonObject);

async function inviteTo(roomId: string): Promise<void> {
  const { event, id } = await room.event({
    room_id: roomId,
    type: 'm.room.member',
    state_key: romeo.id,
    content: { membership: 'invite' },
  });
  const body = { room_version: '11', event, invite_room_state: [] };
  expect((await peer.call(server, 'PUT', `/_matrix/federation/v2/invite/${enc(roomId)}/${enc(id)}`, body)).status).toBe(200);
}

test('S1: a template for a leave that asks for anything else is not signed', async () => {
  for (const lie of lies()) {
    const trap = newTrap();
    await inviteTo(trap);
    peer.answer((_method, path) =>
      path.includes('/make_leave/') ? { room_version: '11', event: template(trap, 'leave', lie) } : undefined,
    );
    await romeo.attempt('POST', `/_matrix/client/v3/rooms/${enc(trap)}/leave`, {});
  }
  expect(signed('send_leave')).toEqual([]);

  const trap = newTrap();
  await inviteTo(trap);
  peer.answer((_method, path) => {
    if (path.includes('/send_leave/')) return {};
    const lie = { content: { membership: 'leave', evil: true }, redacts: '$x', unsigned: { evil: true } };
    return path.includes('/make_leave/') ? { room_version: '11', event: template(trap, 'leave', lie) } : undefined;
  });
  await romeo.leave(trap);
  const [sent] = signed('send_leave');
  expect(sent).toMatchObject({
    type: 'm.room.member',
    room_id: trap,
    sender: romeo.id,
    state_key: romeo.id,
    content: { membership: 'leave' },
  });
  expect(JSON.stringify(sent)).not.toMatch(/evil"|redacts/);
});

test('S1: a template for a knock that asks for anything else is not signed', async () => {
  for (const lie of lies()) {
    const trap = newTrap();
    peer.answer((_method, path) =>
      path.includes('/make_knock/') ? { room_version: '11', event: template(trap, 'knock', lie) } : undefined,
    );
    const answer = await romeo.attempt('POST', `/_matrix/client/v3/knock/${enc(trap)}?via=${peer.name}`, {});
    expect(answer.status, JSON.stringify(lie)).toBeGreaterThanOrEqual(400);
  }
  expect(signed('send_knock')).toEqual([]);
});

test('S3: send_leave and send_knock take only what they are for, of the sender, in the room, under the id that the path names', async () => {
  const paris = `@paris:${peer.name}`;
  const own = (membership: string, changes: Partial<PduDraft> = {}) =>
    room.event({ type: 'm.room.member', state_key: paris, sender: paris, content: { membership }, ...changes });
  const drafts = {
    send_leave: [
      await own('join'),
      await own('ban'),
      await own('leave', { state_key: romeo.id }),
      await own('leave', { sender: romeo.id, state_key: romeo.id }),
      await own('leave', { room_id: otherRoomId }),
      await own('leave', { type: 'm.room.topic' }),
    ],
    send_knock: [
      await own('join', { room_id: otherRoomId }),
      await own('knock'),
      await own('knock', { room_id: otherRoomId, state_key: `@rosaline:${peer.name}` }),
      await own('knock', { room_id: otherRoomId, sender: romeo.id, state_key: romeo.id }),
      await own('knock', { room_id: otherRoomId, type: 'm.room.topic' }),
    ],
  };
  for (const [endpoint, made] of Object.entries(drafts)) {
    const [version, roomId] = endpoint === 'send_leave' ? ['v2', room.roomId] : ['v1', otherRoomId];
    for (const { event, id } of made) {
      const path = `/_matrix/federation/${version}/${endpoint}/${enc(roomId)}/${enc(id)}`;
      const answer = await peer.call(server, 'PUT', path, event);
      expect(answer.status, `${endpoint} ${JSON.stringify(event.content)}`).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(await storedKind(server, id)).not.toBe('timeline');
    }
    const leave = await own(endpoint === 'send_leave' ? 'leave' : 'knock', { room_id: roomId });
    expect(
      (await peer.call(server, 'PUT', `/_matrix/federation/${version}/${endpoint}/${enc(roomId)}/${enc('$another')}`, leave.event)).status,
    ).toBe(400);
  }
  const members = (await romeo.state(room.roomId)).filter((event) => event.type === 'm.room.member').map((event) => event.state_key);
  expect(members.sort()).toEqual([romeo.id, room.userId].sort());
});
