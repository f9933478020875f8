import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createFakeClock, type FakeClock } from '../kit/fake-clock.ts';
import { freePort } from '../kit/free-port.ts';
import { type HostedRoom, hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 30_000 };
const MEMBERS = 20;

let clock: FakeClock;
let servers: TestServers;
let peer: HostilePeer;
let room: HostedRoom;
let romeo: TestUser;
/** Whether the peer gives the rest of the state. */
let isGenerous: boolean;

beforeAll(async () => {
  clock = createFakeClock();
  servers = await startServers(1, { clock });
  peer = await startHostilePeer(servers.ca);
});
beforeEach(async () => {
  isGenerous = false;
  room = await hostRoom(peer, { members: MEMBERS });
  romeo = await servers.user('romeo', 0);
  peer.answer((method, path, body) => (path.includes('/state') && !isGenerous ? undefined : room.answer(method, path, body)));
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const roomPath = () => `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}`;
const join = (user: TestUser) => user.join(room.roomId, { via: [peer.name] });

async function isPartial(): Promise<boolean> {
  const [row] = await servers.at(0).sql<{ partial: boolean }[]>`select is_partial as partial from rooms where room_id = ${room.roomId}`;
  return row?.partial === true;
}
type Rooms = { rooms: { join: Record<string, { state: { events: ClientEvent[] } }> } };
const syncAll = async (since = '') => ((await romeo.sync({ since })) as Rooms).rooms.join[room.roomId];
const listJoined = async () => Object.keys((await romeo.call('GET', `${roomPath()}/joined_members`))['joined'] as object);

test('a room that nobody completes is shown as it is after a while, and whole when somebody completes it after all', async () => {
  await join(romeo);
  expect(await syncAll()).toBeUndefined();
  clock.advance(61_000);
  await expect.poll(() => syncAll(), WAIT).toBeDefined();
  expect(await isPartial()).toBe(true);
  const since = String((await romeo.sync({ since: '' }))['next_batch']);
  expect(await listJoined()).toContain(romeo.id);
  await romeo.send(room.roomId, 'is anybody there?');

  // To other servers it says that it does not know all.
  const make = `/_matrix/federation/v1/make_join/${encodeURIComponent(room.roomId)}/${encodeURIComponent(`@late:${peer.name}`)}?ver=10`;
  expect(await peer.call(servers.at(0), 'GET', make)).toMatchObject({ status: 404, body: { errcode: 'M_UNABLE_DUE_TO_PARTIAL_STATE' } });

  isGenerous = true;
  await expect.poll(isPartial, WAIT).toBe(false);
  expect((await syncAll(since))?.state.events.length).toBeGreaterThan(MEMBERS);
  expect(await listJoined()).toHaveLength(MEMBERS + 2);
});

test('somebody else joins while the members are not known: the server that let the first one in lets them in too', async () => {
  const juliet = await servers.user('juliet', 0);
  await join(romeo);
  await join(juliet);
  expect(await isPartial()).toBe(true);
  await romeo.send(room.roomId, 'Juliet?');
  const filter = JSON.stringify({ room: { state: { lazy_load_members: true } } });
  const timeline = (
    (await juliet.sync({ since: '', filter })) as unknown as {
      rooms: { join: Record<string, { timeline: { events: ClientEvent[] } }> };
    }
  ).rooms.join[room.roomId]?.timeline.events;
  expect(timeline?.at(-1)?.content['body']).toBe('Juliet?');
  isGenerous = true;
  await expect.poll(isPartial, WAIT).toBe(false);
  expect(await listJoined()).toEqual(expect.arrayContaining([romeo.id, juliet.id, `@member3:${peer.name}`]));
});

test('somebody whom the other server does not let in stays outside', async () => {
  const paris = await servers.user('paris', 0);
  await join(romeo);
  await room.add({ type: 'm.room.member', state_key: paris.id, content: { membership: 'ban' } });
  const honest = (method: string, path: string, body: unknown) => (path.includes('/state') ? undefined : room.answer(method, path, body));
  peer.answer((method, path, body) => {
    if (!path.includes('/make_join/') || !path.includes(encodeURIComponent(paris.id))) return honest(method, path, body);
    return (response: { writeHead: (status: number, headers: object) => { end: (text: string) => void } }) =>
      response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify({ errcode: 'M_FORBIDDEN', error: 'banned' }));
  });
  const refused = await paris.attempt('POST', `/_matrix/client/v3/join/${encodeURIComponent(room.roomId)}?via=${peer.name}`, {});
  expect([refused.status, refused.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
});

test('members of servers that are gone, whose events nobody can check, do not leave a room unfinished', async () => {
  const gone = `@gone:localhost:${await freePort()}`;
  const ghost = await room.add({ type: 'm.room.member', sender: gone, state_key: gone, content: { membership: 'join' } });
  room.timeline.splice(room.timeline.indexOf(ghost), 1);
  room.state.push(ghost);
  isGenerous = true;
  await join(romeo);
  await expect.poll(isPartial, WAIT).toBe(false);
  const joined = await listJoined();
  expect(joined).toHaveLength(MEMBERS + 2);
  expect(joined).not.toContain(gone);
});

/** The peer's room with somebody who had power in it and has gone; by auth events that leave that out, they put Romeo out. */
async function putRomeoOut(): Promise<{ ban: string; parting: string }> {
  const outlaw = `@member3:${peer.name}`;
  const former = room.find('m.room.member', outlaw);
  const users = { [room.hostId]: 100, [outlaw]: 100 };
  const powers = await room.add({ type: 'm.room.power_levels', state_key: '', content: { users } });
  const parting = await room.add({ type: 'm.room.member', sender: outlaw, state_key: outlaw, content: { membership: 'leave' } });
  await join(romeo);
  const auth = [room.find('m.room.create'), powers, former, room.find('m.room.member', romeo.id)].map(({ id }) => id);
  const content = { membership: 'ban', reason: 'for nothing' };
  const ban = await room.build({ type: 'm.room.member', sender: outlaw, state_key: romeo.id, content, auth_events: auth });
  await peer.sendPdus(servers.at(0), [ban.event]);
  await expect.poll(() => storedKind(servers.at(0), ban.id), WAIT).toBe('timeline');
  room.state.splice(room.state.indexOf(former), 1, powers, parting);
  return { ban: ban.id, parting: parting.id };
}

type Sides = { rooms: { join: Record<string, { timeline: { events: ClientEvent[] } }>; leave: Record<string, unknown> } };
const sidesOf = async (since: string) => ((await romeo.sync({ since })) as unknown as Sides).rooms;

test('the only one here is put out by who could not: the room is completed all the same, and they are in it again', async () => {
  const { ban } = await putRomeoOut();
  expect(Object.keys((await sidesOf('')).leave)).toEqual([room.roomId]);
  expect((await romeo.attempt('PUT', `${roomPath()}/send/m.room.message/t1`, { body: 'I am here' })).status).toBe(403);
  const since = String((await romeo.sync({ since: '' }))['next_batch']);

  isGenerous = true;
  await expect.poll(isPartial, WAIT).toBe(false);
  await expect.poll(() => storedKind(servers.at(0), ban), WAIT).toBe('rejected');
  await expect.poll(async () => Object.keys((await sidesOf(since)).join), WAIT).toEqual([room.roomId]);
  const own = (await romeo.state(room.roomId)).find((event) => event.type === 'm.room.member' && event.state_key === romeo.id);
  expect(own?.content['membership']).toBe('join');
  await romeo.send(room.roomId, 'still here');
  expect(await listJoined()).toContain(romeo.id);
});

test('the only one here is put out, and every server says that they are: the room is given up', async () => {
  const refuse = (response: { writeHead: (status: number, headers: object) => { end: (text: string) => void } }) =>
    response
      .writeHead(403, { 'content-type': 'application/json' })
      .end(JSON.stringify({ errcode: 'M_FORBIDDEN', error: 'not in the room' }));
  await putRomeoOut();
  peer.answer((method, path, body) => (path.includes('/state') ? refuse : room.answer(method, path, body)));
  await expect.poll(isPartial, WAIT).toBe(false);
  expect((await romeo.attempt('PUT', `${roomPath()}/send/m.room.message/t1`, { body: 'I am here' })).status).toBe(403);
});

test('who is rightly put out meanwhile stays out when the room is whole', async () => {
  await join(romeo);
  const kick = await room.add({ type: 'm.room.member', state_key: romeo.id, content: { membership: 'leave' } });
  await peer.sendPdus(servers.at(0), [kick.event]);
  await expect.poll(() => storedKind(servers.at(0), kick.id), WAIT).toBe('timeline');
  isGenerous = true;
  await expect.poll(isPartial, WAIT).toBe(false);
  expect(await storedKind(servers.at(0), kick.id)).toBe('timeline');
  expect(Object.keys((await sidesOf('')).leave)).toEqual([room.roomId]);
  await join(romeo);
  await expect.poll(listJoined, WAIT).toHaveLength(MEMBERS + 2);
});

test('a server that tells of two events under one key of the state leaves the room neither unfinished nor without one', async () => {
  const member = `@member4:${peer.name}`;
  const again = await room.add({
    type: 'm.room.member',
    sender: member,
    state_key: member,
    content: { membership: 'join', displayname: 'Again' },
  });
  room.timeline.splice(room.timeline.indexOf(again), 1);
  room.state.push(again);
  isGenerous = true;
  await join(romeo);
  await expect.poll(isPartial, WAIT).toBe(false);
  expect(await listJoined()).toHaveLength(MEMBERS + 2);
});
