import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type HostedRoom, hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { SLIDING_PATH } from '../kit/slide.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 30_000 };
const MEMBERS = 120;
const LAZY = JSON.stringify({ room: { state: { lazy_load_members: true } } });

let servers: TestServers;
let peer: HostilePeer;
let other: HostilePeer;
let romeo: TestUser;
let room: HostedRoom;
/** The rest of the state is not given before this. */
let release: () => void;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
  other = await startHostilePeer(servers.ca);
});
beforeEach(async () => {
  room = await hostRoom(peer, { members: MEMBERS });
  romeo = await servers.user(`romeo-${Date.now()}`, 0);
  const held = Promise.withResolvers<void>();
  release = held.resolve;
  peer.answer(async (method, path, body) => {
    if (path.includes('/state_ids/')) await held.promise;
    return room.answer(method, path, body);
  });
  other.answer(() => undefined);
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const roomPath = () => `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}`;
const join = () => romeo.join(room.roomId, { via: [peer.name] });
const deliver = async (...pdus: Pdu[]) => await peer.sendPdus(servers.at(0), pdus);

async function isShown(filter?: string): Promise<boolean> {
  const body = (await romeo.sync({ since: '', ...(filter === undefined ? {} : { filter }) })) as { rooms?: { join?: object } };
  return room.roomId in (body.rooms?.join ?? {});
}
async function countJoined(): Promise<number> {
  return Object.keys((await romeo.call('GET', `${roomPath()}/joined_members`))['joined'] as object).length;
}
async function isPartial(): Promise<boolean> {
  const [row] = await servers.at(0).sql<{ partial: boolean }[]>`select is_partial as partial from rooms where room_id = ${room.roomId}`;
  return row?.partial === true;
}
const say = async (body: string, sender: string) =>
  await room.add({ type: 'm.room.message', sender, content: { msgtype: 'm.text', body } });

test('a room is used before its members are known, and whole afterwards', async () => {
  await join();
  expect(await isPartial()).toBe(true);

  // Both sides speak, also somebody of whom nothing is known yet.
  const sent = await romeo.send(room.roomId, 'here I am');
  const received = () =>
    peer.seen.filter(({ path }) => path.includes('/send/')).flatMap(({ body }) => (body as { pdus: JsonObject[] }).pdus);
  await expect.poll(() => received().some((pdu) => (pdu['content'] as JsonObject)['body'] === 'here I am'), WAIT).toBe(true);
  const hello = await say('hello', `@member7:${peer.name}`);
  await deliver(hello.event);
  const texts = async () => (await romeo.messages(room.roomId)).flatMap(({ content }) => content['body'] ?? []);
  await expect.poll(texts, WAIT).toEqual(['hello', 'here I am']);

  // Who loads members lazily is shown the room; who wants them all waits.
  expect([await isShown(LAZY), await isShown()]).toEqual([true, false]);
  const sliding = await romeo.call('POST', SLIDING_PATH, {
    lists: { all: { ranges: [[0, 10]], required_state: [['m.room.name', '']], timeline_limit: 1 } },
  });
  expect(sliding['rooms']).toHaveProperty([room.roomId]);
  const beforehand = String((await romeo.sync({ since: '' }))['next_batch']);
  let isAnswered = false;
  const counting = countJoined().finally(() => {
    isAnswered = true;
  });
  await romeo.send(room.roomId, 'while it waits');
  expect(isAnswered).toBe(false);

  release();
  expect(await counting).toBe(MEMBERS + 2);
  expect(await isPartial()).toBe(false);
  expect([await isShown(LAZY), await isShown()]).toEqual([true, true]);
  const counted = (await romeo.sync({ since: '', filter: LAZY })) as { rooms: { join: Record<string, { summary: JsonObject }> } };
  expect(counted.rooms.join[room.roomId]?.summary['m.joined_member_count']).toBe(MEMBERS + 2);
  const news = (await romeo.sync({ since: beforehand })) as {
    rooms: { join: Record<string, { state: { events: unknown[] }; timeline: { events: { event_id: string }[] } }> };
  };
  expect(news.rooms.join[room.roomId]?.state.events.length).toBeGreaterThan(MEMBERS);
  expect(news.rooms.join[room.roomId]?.timeline.events.map((event) => event.event_id)).toContain(sent);
});

test('what is fetched survives a restart, and another server is asked when one fails', async () => {
  const second = await room.add({
    type: 'm.room.member',
    sender: `@second:${other.name}`,
    state_key: `@second:${other.name}`,
    content: { membership: 'leave' },
  });
  room.timeline.splice(room.timeline.indexOf(second), 1); // the graph has it no more; the peer only says that the server is there
  peer.answer((method, path, body) => {
    if (path.includes('/state_ids/')) return undefined;
    const answer = room.answer(method, path, body) as JsonObject;
    return path.includes('/send_join/') ? { ...answer, servers_in_room: [peer.name, other.name] } : answer;
  });
  await room.add({ type: 'm.room.topic', content: { topic: 'something to build upon' }, state_key: '' });
  await join();
  await servers.at(0).restart();
  expect(await isPartial()).toBe(true);
  await romeo.send(room.roomId, 'still here');
  other.answer((method, path, body) => room.answer(method, path, body));
  await expect.poll(isPartial, WAIT).toBe(false);
  expect(await countJoined()).toBe(MEMBERS + 2);
});

test('a server that does not know all of a room does not vouch for it', async () => {
  await join();
  const asked = async (path: string) => {
    const { status, body } = await peer.call(servers.at(0), 'GET', `/_matrix/federation/v1/${path}`);
    return [status, body['errcode']];
  };
  const id = encodeURIComponent(room.roomId);
  const [make, state] = await Promise.all([
    asked(`make_join/${id}/${encodeURIComponent(`@late:${peer.name}`)}?ver=10`),
    asked(`state_ids/${id}?event_id=${encodeURIComponent(room.timeline.at(-1)?.id ?? '')}`),
  ]);
  expect(make).toEqual([404, 'M_UNABLE_DUE_TO_PARTIAL_STATE']);
  expect(state).toEqual([403, 'M_UNABLE_DUE_TO_PARTIAL_STATE']);
  release();
  await expect.poll(isPartial, WAIT).toBe(false);
});

test('what was believed while members were not known is checked again when they are', async () => {
  const outlaw = `@member3:${peer.name}`;
  const join3 = room.find('m.room.member', outlaw);
  const ban = await room.add({ type: 'm.room.member', state_key: outlaw, content: { membership: 'ban', reason: 'a\u0000b' } });
  await join();
  // By its own auth events, which leave out the ban, the outlaw is a member.
  const auth = [room.find('m.room.create'), room.find('m.room.power_levels'), join3].map(({ id }) => id);
  const lie = await room.add({
    type: 'm.room.message',
    sender: outlaw,
    content: { msgtype: 'm.text', body: 'let me in' },
    auth_events: auth,
  });
  await deliver(lie.event);
  const texts = async () => (await romeo.messages(room.roomId)).flatMap(({ content }) => content['body'] ?? []);
  await expect.poll(texts, WAIT).toEqual(['let me in']);

  room.state.splice(room.state.indexOf(join3), 1, ban); // the state before our join, with the ban
  release();
  await expect.poll(isPartial, WAIT).toBe(false);
  await expect.poll(texts, WAIT).toEqual([]);
  await romeo.send(room.roomId, 'as if nothing had happened');
  expect(await texts()).toEqual(['as if nothing had happened']);
});

test('a membership that was believed meanwhile gives way to the one that it had replaced', async () => {
  const outlaw = `@member3:${peer.name}`;
  const juliet = await servers.user(`juliet-${Date.now()}`, 0);
  const before = room.find('m.room.member', outlaw);
  const powers = await room.add({
    type: 'm.room.power_levels',
    state_key: '',
    content: { users: { [room.hostId]: 100, [outlaw]: 50 } },
  });
  const invite = await room.add({ type: 'm.room.member', state_key: juliet.id, content: { membership: 'invite' } });
  const ban = await room.add({ type: 'm.room.member', state_key: outlaw, content: { membership: 'ban' } });
  await join();

  // By auth events that leave out the ban, the outlaw is a member, and may take an invite back.
  const auth = [room.find('m.room.create'), powers, before].map(({ id }) => id);
  const disguise = await room.add({
    type: 'm.room.member',
    sender: outlaw,
    state_key: outlaw,
    content: { membership: 'join', displayname: 'in disguise' },
    auth_events: [...auth, room.find('m.room.join_rules').id],
  });
  const kick = await room.add({
    type: 'm.room.member',
    sender: outlaw,
    state_key: juliet.id,
    content: { membership: 'leave' },
    auth_events: [...auth, invite.id],
  });
  await deliver(disguise.event, kick.event);
  await expect.poll(() => storedKind(servers.at(0), kick.id), WAIT).toBe('timeline');
  const since = String((await juliet.sync({ since: '' }))['next_batch']);
  const romeoSince = String((await romeo.sync({ since: '', filter: LAZY }))['next_batch']);

  room.state.splice(room.state.indexOf(before), 1, ban, powers, invite);
  release();
  await expect.poll(isPartial, WAIT).toBe(false);
  await expect.poll(() => storedKind(servers.at(0), kick.id), WAIT).toBe('rejected');
  const members = (await romeo.state(room.roomId)).filter(({ type }) => type === 'm.room.member');
  const standing = Object.fromEntries(members.map((event) => [event.state_key, event.content['membership']]));
  expect(standing).toMatchObject({ [romeo.id]: 'join', [juliet.id]: 'invite', [outlaw]: 'ban' });
  const invited = (await juliet.sync({ since })) as { rooms?: { invite?: object } };
  expect(invited.rooms?.invite).toHaveProperty([room.roomId]);
  const news = (await romeo.sync({ since: romeoSince })) as {
    rooms: { join: Record<string, { state: { events: { event_id: string }[] } }> };
  };
  const told = news.rooms.join[room.roomId]?.state.events.map((event) => event.event_id);
  expect(told).toEqual(expect.arrayContaining([ban.id, invite.id]));
  const stored = await servers.at(0).sql<{ userId: string; membership: number }[]>`
    select u.user_id as "userId", m.membership from memberships m join users u using (user_nid) join rooms r using (room_nid)
    where r.room_id = ${room.roomId} and u.user_id = any(${[juliet.id, outlaw]}::text[]) order by m.membership`;
  expect(stored.map(({ userId, membership }) => [userId, membership])).toEqual([
    [juliet.id, 1],
    [outlaw, 4],
  ]);
});

test('who leaves before the members are known is gone, and may come back', async () => {
  await join();
  await romeo.leave(room.roomId);
  release();
  await expect.poll(isPartial, WAIT).toBe(false);
  expect(await isShown()).toBe(false);
  await join();
  await expect.poll(countJoined, WAIT).toBeGreaterThan(MEMBERS);
});

test('a join through us leaves out the members when it is asked to, but those by whom the room is called', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  for (let index = 0; index < 8; index += 1) await (await servers.user(`guest-${Date.now()}-${index}`, 0)).join(roomId);
  const path = (endpoint: string, last: string) =>
    `/_matrix/federation/${endpoint}/${encodeURIComponent(roomId)}/${encodeURIComponent(last)}`;
  const made = await peer.call(servers.at(0), 'GET', `${path('v1/make_join', `@host:${peer.name}`)}?ver=12`);
  const { event, id } = await peer.complete(made.body);
  const { status, body } = await peer.call(servers.at(0), 'PUT', `${path('v2/send_join', id)}?omit_members=true`, event);
  expect([status, body['members_omitted']]).toEqual([200, true]);
  expect(body['servers_in_room']).toContain(servers.at(0).name);
  const state = body['state'] as unknown as Pdu[];
  const members = state.filter(({ type }) => type === 'm.room.member');
  expect(members).toHaveLength(5);
  expect(state.map(({ type }) => type)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.power_levels', 'm.room.join_rules']));
  const inState = new Set(state.map((pdu) => JSON.stringify(pdu.hashes)));
  const chain = body['auth_chain'] as unknown as Pdu[];
  expect(chain.filter((pdu) => inState.has(JSON.stringify(pdu.hashes)))).toEqual([]);
});
