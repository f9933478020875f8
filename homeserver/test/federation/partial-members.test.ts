import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type HostedRoom, hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 30_000 };
const MEMBERS = 60;

let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;
let room: HostedRoom;
/** The rest of the state is not given before this. */
let release: () => void;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
});
beforeEach(async () => {
  peer.seen.length = 0;
  romeo = await servers.user('romeo', 0);
  room = await hostRoom(peer, { members: MEMBERS });
  const powers = { users: { [room.hostId]: 100, [romeo.id]: 100 } };
  const given = await room.add({ type: 'm.room.power_levels', state_key: '', content: powers });
  room.state.push(given);
  const held = Promise.withResolvers<void>();
  release = held.resolve;
  peer.answer(async (method, path, body) => {
    if (path.includes('/state_ids/')) await held.promise;
    if (path.includes('/v2/invite/')) return await signInvite((body as { event: Pdu }).event);
    const answer = room.answer(method, path, body);
    return path.includes('/send_join/') ? { ...(answer as JsonObject), servers_in_room: [peer.name, servers.at(0).name] } : answer;
  });
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const enc = encodeURIComponent;
const roomPath = () => `/_matrix/client/v3/rooms/${enc(room.roomId)}`;
const member = (index: number) => `@member${index}:${peer.name}`;
const received = () => peer.seen.filter(({ path }) => path.includes('/send/')).flatMap(({ body }) => (body as { pdus: Pdu[] }).pdus);
const hears = (body: string) => () => received().some((pdu) => pdu.content['body'] === body);

async function signInvite(event: Pdu): Promise<JsonObject> {
  const { signatures, hashes: _, unsigned: __, ...draft } = event;
  const signed = await signEvent(draft, room.rules, peer.signer);
  return { event: { ...event, signatures: { ...signatures, ...signed.signatures } } } as unknown as JsonObject;
}
async function standing(userId: string): Promise<unknown> {
  return (await romeo.state(room.roomId)).find(({ state_key: key }) => key === userId)?.content['membership'];
}

test('a server of which only one member is known is told what is said when that one has left', async () => {
  await romeo.join(room.roomId, { via: [peer.name] });
  const sent = await romeo.send(room.roomId, 'is anybody there?');
  await expect.poll(hears('is anybody there?'), WAIT).toBe(true);
  const found = ['m.room.create', 'm.room.power_levels', 'm.room.join_rules'].map((type) => room.find(type).id);
  const fifth = (membership: string, prev: string, auth: string) =>
    room.add({
      type: 'm.room.member',
      sender: member(5),
      state_key: member(5),
      content: { membership, displayname: 'Fifth' },
      prev_events: [prev],
      auth_events: [...found.slice(0, membership === 'join' ? 3 : 2), auth],
    });
  const renamed = await fifth('join', sent, room.find('m.room.member', member(5)).id);
  const gone = await fifth('leave', renamed.id, renamed.id);
  await peer.sendPdus(servers.at(0), [renamed.event, gone.event]);
  await expect.poll(() => storedKind(servers.at(0), gone.id), WAIT).toBe('timeline');
  await romeo.send(room.roomId, 'and now?');
  await expect.poll(hears('and now?'), WAIT).toBe(true);
  release();
});

test('who is invited, kicked, banned or let back in need not be known: it is waited for', async () => {
  const outlaw = `@outlaw:${peer.name}`;
  room.state.push(await room.add({ type: 'm.room.member', state_key: outlaw, content: { membership: 'ban' } }));
  await romeo.join(room.roomId, { via: [peer.name] });
  const act = (action: string, userId: string) => romeo.attempt('POST', `${roomPath()}/${action}`, { user_id: userId });
  let answered = 0;
  const stranger = `@stranger:${peer.name}`;
  const asked = { invite: member(1), kick: member(2), ban: member(3), unban: outlaw };
  const acts = [...Object.entries(asked), ['invite', stranger] as const].map(([action, userId]) =>
    act(action, userId).finally(() => {
      answered += 1;
    }),
  );
  const put = romeo.attempt('PUT', `${roomPath()}/state/m.room.member/${enc(member(6))}`, { membership: 'leave' });
  await romeo.send(room.roomId, 'meanwhile');
  expect(answered).toBe(0);
  release();
  const [again, ...others] = await Promise.all([...acts, put]);
  expect([again?.status, again?.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
  expect(others.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const targets = [member(1), member(2), member(3), outlaw, stranger, member(6)];
  expect(await Promise.all(targets.map(standing))).toEqual(['join', 'leave', 'ban', 'leave', 'invite', 'leave']);
});

test('somebody of ours who is invited meanwhile comes in at once', async () => {
  const juliet = await servers.user('juliet', 0);
  await romeo.join(room.roomId, { via: [peer.name] });
  await romeo.invite(room.roomId, juliet.id);
  const before = peer.seen.filter(({ path }) => path.includes('/make_join/')).length;
  await juliet.join(room.roomId);
  expect(peer.seen.filter(({ path }) => path.includes('/make_join/'))).toHaveLength(before);
  release();
  await expect.poll(() => standing(juliet.id), WAIT).toBe('join');
});

test('a room that was left before its members were known, and is read anew, takes invites from outside', async () => {
  await romeo.join(room.roomId, { via: [peer.name] });
  await romeo.leave(room.roomId);
  await servers.at(0).restart();
  const invite = await room.add({ type: 'm.room.member', state_key: romeo.id, content: { membership: 'invite' } });
  const path = `/_matrix/federation/v2/invite/${enc(room.roomId)}/${enc(invite.id)}`;
  const answer = await peer.call(servers.at(0), 'PUT', path, { room_version: '10', event: invite.event, invite_room_state: [] });
  expect(answer.status).toBe(200);
  const { rooms } = (await romeo.sync({ since: '' })) as { rooms: { invite: object } };
  expect(rooms.invite).toHaveProperty([room.roomId]);
  release();
});

test('who left before the members were known, and comes back, is given all of the room', async () => {
  await romeo.join(room.roomId, { via: [peer.name] });
  await romeo.send(room.roomId, 'hello');
  await romeo.leave(room.roomId);
  await romeo.join(room.roomId, { via: [peer.name] });
  const isShown = async () => room.roomId in ((await romeo.sync({ since: '' })) as { rooms: { join: object } }).rooms.join;
  expect(await isShown()).toBe(true);
  const joined = async () => Object.keys((await romeo.call('GET', `${roomPath()}/joined_members`))['joined'] as object).length;
  expect(await joined()).toBe(MEMBERS + 2);
  await romeo.leave(room.roomId);
  await romeo.join(room.roomId, { via: [peer.name] });
  release();
  await romeo.send(room.roomId, 'here again');
  await expect.poll(hears('here again'), WAIT).toBe(true);
  expect(await joined()).toBe(MEMBERS + 2);
  expect(await standing(member(9))).toBe('join');
});

test('a user of whom nothing is known yet gets no template for leaving, and their server is told why', async () => {
  await romeo.join(room.roomId, { via: [peer.name] });
  const path = `/_matrix/federation/v1/make_leave/${enc(room.roomId)}/${enc(member(7))}`;
  expect(await peer.call(servers.at(0), 'GET', path)).toMatchObject({ status: 404, body: { errcode: 'M_UNABLE_DUE_TO_PARTIAL_STATE' } });
  release();
});

test('the servers that are named to who joins without members are those from before', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', room_version: '10' });
  const join = async (localpart: string) => {
    const made = await peer.call(
      servers.at(0),
      'GET',
      `/_matrix/federation/v1/make_join/${enc(roomId)}/${enc(`@${localpart}:${peer.name}`)}?ver=10`,
    );
    const { event, id } = await peer.complete(made.body);
    const sent = await peer.call(
      servers.at(0),
      'PUT',
      `/_matrix/federation/v2/send_join/${enc(roomId)}/${enc(id)}?omit_members=true`,
      event,
    );
    return sent.body['servers_in_room'];
  };
  expect(await join('tybalt')).toEqual([servers.at(0).name]);
  expect(await join('paris')).toEqual([servers.at(0).name, peer.name]);
});
