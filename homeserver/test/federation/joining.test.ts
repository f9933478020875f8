import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type HostedRoom, hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, peerError, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { Answer, TestUser } from '../kit/test-user.ts';

const seed = new Uint8Array(randomBytes(32));
const WAIT = { timeout: 30_000 };
let servers: TestServers;
/** Of each scene their own, so that a scene can be played again: a server that died is asked last. With one key, should a port be given twice. */
let liar: HostilePeer;
let honest: HostilePeer;
let romeo: TestUser;
let juliet: TestUser;
let room: HostedRoom;

beforeAll(async () => {
  servers = await startServers(2);
  romeo = await servers.user('romeo', 0);
  juliet = await servers.user('juliet', 1);
});
beforeEach(async () => {
  liar = await startHostilePeer(servers.ca, { seed });
  honest = await startHostilePeer(servers.ca, { seed });
  room = await hostRoom(honest);
  honest.answer(room.answer);
});
afterEach(async () => {
  await liar[Symbol.asyncDispose]();
  await honest[Symbol.asyncDispose]();
});
afterAll(async () => {
  await servers[Symbol.asyncDispose]();
});

type Handler = (path: string, body: unknown) => unknown;
const isMake = (path: string) => path.includes('/make_join/');
const isSend = (path: string) => path.includes('/send_join/');

/** Joins by way of the liar only. */
async function joinByLiar(handler: Handler, user = romeo): Promise<Answer> {
  liar.answer((_method, path, body) => handler(path, body));
  return await user.attempt('POST', `/_matrix/client/v3/join/${encodeURIComponent(room.roomId)}?via=${liar.name}`, {});
}
/** The room's id names the honest server, which is tried too: for tests of what happens when nobody can help. */
function silenceHonest(): void {
  honest.answer(() => peerError(404, 'M_NOT_FOUND'));
}
const saw = (peer: HostilePeer, endpoint: string) => peer.seen.filter(({ path }) => path.includes(`/${endpoint}/`)).length;
const event = (template: JsonObject) => template['event'] as JsonObject;

describe('a peer that dies or lies in a step of a join is passed over for one that does not', () => {
  const forged =
    (changes: JsonObject): Handler =>
    (path) => {
      if (!isMake(path)) return undefined;
      const template = room.template(romeo.id);
      return { ...template, event: { ...event(template), ...changes } };
    };
  const destroyed = (res: ServerResponse) => res.destroy();
  const text = (body: string) => (res: ServerResponse) => res.writeHead(200, { 'content-type': 'application/json' }).end(body);
  const halfway = (res: ServerResponse) => {
    res.writeHead(200, { 'content-type': 'application/json' }).write('{"state":[');
    setTimeout(() => res.destroy(), 50);
  };
  const sending =
    (change: (answer: JsonObject, join: Pdu) => unknown): Handler =>
    (path, body) => {
      if (isMake(path)) return room.template(romeo.id);
      if (!isSend(path)) return undefined;
      const answer = room.joined(body as Pdu);
      room.timeline.pop(); // the room itself has not taken the join in
      return change(answer, body as Pdu);
    };
  const state = (answer: JsonObject) => answer['state'] as unknown as Pdu[];
  const without = (type: string) => (answer: JsonObject) => ({
    ...answer,
    state: state(answer).filter((pdu) => pdu.type !== type),
    auth_chain: state(answer).filter((pdu) => pdu.type !== type),
  });

  test.each<[string, Handler]>([
    ['S1: a template of another type', forged({ type: 'm.room.power_levels' })],
    ['S1: a template for another sender', forged({ sender: '@mallory:elsewhere.test' })],
    ['S1: a template about another user', forged({ state_key: '@mallory:elsewhere.test' })],
    ['S1: a template for another room', forged({ room_id: '!other:elsewhere.test' })],
    ['S1: a template of another membership', forged({ content: { membership: 'leave' } })],
    [
      'S1: a template that names a stranger to vouch',
      forged({ content: { membership: 'join', join_authorised_via_users_server: '@mallory:elsewhere.test' } }),
    ],
    ['a template of an unknown room version', () => ({ ...room.template(romeo.id), room_version: 'org.example.odd' })],
    ['a template without prev_events', forged({ prev_events: 'none' })],
    ['a connection that breaks before the template', () => destroyed],
    ['a template that is no JSON', () => text('<html>')],
    ['a connection that breaks before the state', (path) => (isMake(path) ? room.template(romeo.id) : destroyed)],
    ['a connection that breaks within the state', (path) => (isMake(path) ? room.template(romeo.id) : halfway)],
    ['a refusal of the signed join', (path) => (isMake(path) ? room.template(romeo.id) : peerError(403, 'M_FORBIDDEN'))],
    ['a state that is no JSON', (path) => (isMake(path) ? room.template(romeo.id) : text('{"state":'))],
    ['an answer without a state', (path) => (isMake(path) ? room.template(romeo.id) : { auth_chain: [] })],
    ['a state without a create event', sending(without('m.room.create'))],
    ['a state without join rules, which does not let anybody in', sending(without('m.room.join_rules'))],
    [
      'a state whose signatures are wrong',
      sending((answer) => ({ ...answer, state: state(answer).map((pdu) => ({ ...pdu, origin_server_ts: 1 })) })),
    ],
    ['a state of nothing', sending((answer) => ({ ...answer, state: [], auth_chain: [] }))],
  ])('%s', async (_what, handler) => {
    const answer = await joinByLiar(handler);
    expect(answer.status).toBe(200);
    expect(saw(liar, 'make_join')).toBe(1);
    expect(saw(honest, 'send_join')).toBe(1);
    const name = (await romeo.state(room.roomId)).find(({ type }) => type === 'm.room.name');
    expect(name?.content).toEqual({ name: 'the hosted room' });
  });
});

test('S1: what a template asks to be signed beside the place in the graph is not signed', async () => {
  const answer = await joinByLiar((path) => {
    const template = room.template(romeo.id);
    return isMake(path)
      ? { ...template, event: { ...event(template), origin_server_ts: 5, unsigned: { evil: true }, evil: true } }
      : undefined;
  });
  expect(answer.status).toBe(200);
  const signed = liar.seen.find(({ path }) => isSend(path))?.body as JsonObject;
  expect(Object.keys(signed).sort()).toEqual(
    [
      'auth_events',
      'content',
      'depth',
      'hashes',
      'origin_server_ts',
      'prev_events',
      'room_id',
      'sender',
      'signatures',
      'state_key',
      'type',
    ].sort(),
  );
  expect(signed['origin_server_ts']).toBeGreaterThan(1_000_000);
});

test('S35: an answer without end is cut off', async () => {
  const MEGABYTE = 1024 * 1024;
  let written = 0;
  const endless = (res: ServerResponse) => {
    res.writeHead(200, { 'content-type': 'application/json' }).write('{"auth_chain":[],"state":[');
    const filler = `{"type":"m.filler","content":{"body":"${'x'.repeat(MEGABYTE)}"}},`;
    const more = () => {
      while (!res.destroyed) {
        written += MEGABYTE;
        if (!res.write(filler)) return void res.once('drain', more);
      }
    };
    more();
  };
  const answer = await joinByLiar((path) => (isMake(path) ? room.template(romeo.id) : endless));
  expect(answer.status).toBe(200);
  expect(saw(honest, 'send_join')).toBe(1);
  expect(written).toBeGreaterThan(90 * MEGABYTE);
  expect(written).toBeLessThan(130 * MEGABYTE);
});

describe('when nobody lets the user in, they are told why', () => {
  test.each([
    { given: peerError(403, 'M_FORBIDDEN'), told: [403, 'M_FORBIDDEN'] },
    { given: peerError(400, 'M_UNABLE_TO_AUTHORISE_JOIN'), told: [400, 'M_UNABLE_TO_AUTHORISE_JOIN'] },
    { given: peerError(400, 'M_UNABLE_TO_GRANT_JOIN'), told: [400, 'M_UNABLE_TO_GRANT_JOIN'] },
    { given: peerError(400, 'M_INCOMPATIBLE_ROOM_VERSION'), told: [400, 'M_INCOMPATIBLE_ROOM_VERSION'] },
    { given: peerError(404, 'M_NOT_FOUND'), told: [404, 'M_NOT_FOUND'] },
    { given: peerError(500, 'M_UNKNOWN'), told: [502, 'M_UNKNOWN'] },
  ])('$told', async ({ given, told }) => {
    silenceHonest();
    const { status, body } = await joinByLiar(() => given);
    expect([status, body['errcode']]).toEqual(told);
    expect((await romeo.attempt('GET', `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}/state`)).status).toBe(403);
  });
});

test('a resident that knows only the older send_join is joined through it', async () => {
  const answer = await joinByLiar((path, body) => {
    if (isMake(path)) return room.template(romeo.id);
    if (path.includes('/v1/send_join/')) return [200, room.joined(body as Pdu)];
    return isSend(path) ? peerError(404, 'M_UNRECOGNIZED') : undefined;
  });
  expect(answer.status).toBe(200);
  expect([saw(liar, 'send_join'), saw(honest, 'send_join')]).toEqual([2, 0]);
});

test('people of one server who join at the same time are all in', async () => {
  const crowd = await Promise.all(['abram', 'sampson', 'gregory', 'peter'].map((name) => servers.user(name, 0)));
  await Promise.all(crowd.map((user) => user.join(room.roomId, { via: [honest.name] })));
  expect(saw(honest, 'send_join')).toBe(1);
  const members = (await crowd[0]?.state(room.roomId))?.filter(({ type }) => type === 'm.room.member').map((member) => member.state_key);
  expect(members?.sort()).toEqual([room.hostId, ...crowd.map((user) => user.id)].sort());
});

test('a server that was away comes back to the room as it is now', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'before' });
  await juliet.join(roomId, { via: [servers.at(0).name] });
  await romeo.send(roomId, 'heard');
  await juliet.nextMessage(roomId);
  await juliet.leave(roomId);
  const membership = async () => (await romeo.state(roomId)).find((state) => state.state_key === juliet.id)?.content['membership'];
  await expect.poll(membership, WAIT).toBe('leave');
  await romeo.setState(roomId, 'm.room.name', { name: 'after' });
  await romeo.send(roomId, 'missed');
  await juliet.join(roomId); // by the servers that were there when we left
  const name = (await juliet.state(roomId)).find(({ type }) => type === 'm.room.name');
  expect(name?.content).toEqual({ name: 'after' });
  const texts = async () =>
    (await juliet.messages(roomId)).filter(({ type }) => type === 'm.room.message').map(({ content }) => content['body']);
  await expect.poll(texts, WAIT).toEqual(['missed', 'heard']);
});

test('only another server can let a user into a restricted room: the room stays whole', async () => {
  const club = await juliet.createRoom({ preset: 'public_chat' });
  const content = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: club }] };
  const roomId = await juliet.createRoom({ preset: 'public_chat', initial_state: [{ type: 'm.room.join_rules', state_key: '', content }] });
  await romeo.join(club, { via: [servers.at(1).name] });
  await romeo.join(roomId, { via: [servers.at(1).name] });
  const tybalt = await servers.user('tybalt', 0);
  await tybalt.join(club);
  await romeo.send(roomId, 'we are here');
  await tybalt.join(roomId, { via: [servers.at(1).name] });
  const joined = async (user: TestUser) => (await user.state(roomId)).filter((state) => state.content['membership'] === 'join').length;
  for (const user of [romeo, juliet, tybalt]) await expect.poll(() => joined(user), WAIT).toBe(3);
  await juliet.send(roomId, 'welcome');
  const heard = async () => (await tybalt.messages(roomId)).map(({ content }) => content['body']);
  await expect.poll(heard, WAIT).toContain('welcome');
});

test('an invite is rejected though the server it came from is gone', async () => {
  const roomId = await juliet.createRoom({ preset: 'private_chat' });
  await juliet.invite(roomId, romeo.id);
  type Rooms = { rooms?: { invite?: object; leave?: object } };
  const invited = async () => Object.keys(((await romeo.sync({ since: '' })) as Rooms).rooms?.invite ?? {});
  await expect.poll(invited, WAIT).toContain(roomId);
  await servers.at(1).stop();
  try {
    await romeo.leave(roomId);
    expect(await invited()).not.toContain(roomId);
  } finally {
    await servers.at(1).restart();
  }
});

test('a knock that is withdrawn is gone on both sides', async () => {
  const initial_state = [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }];
  const roomId = await juliet.createRoom({ preset: 'private_chat', initial_state });
  await romeo.call('POST', `/_matrix/client/v3/knock/${encodeURIComponent(roomId)}?via=${servers.at(1).name}`, {});
  const membership = async () => (await juliet.state(roomId)).find((state) => state.state_key === romeo.id)?.content['membership'];
  await expect.poll(membership, WAIT).toBe('knock');
  await romeo.leave(roomId);
  await expect.poll(membership, WAIT).toBe('leave');
});
