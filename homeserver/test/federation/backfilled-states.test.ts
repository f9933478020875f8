import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type HostedRoom, hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  servers = await startServers(2);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
  juliet = await servers.user('juliet', 1);
});
beforeEach(() => peer.answer(() => undefined));
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const enc = encodeURIComponent;
const roomPath = (roomId: string) => `/_matrix/client/v3/rooms/${enc(roomId)}`;

/** Everything that juliet is given of a room, the newest first, in pages of so many. */
async function readBack(roomId: string, limit: number, who = juliet): Promise<ClientEvent[]> {
  const read: ClientEvent[] = [];
  for (let from = ''; ; ) {
    const page = await who.call('GET', `${roomPath(roomId)}/messages?dir=b&limit=${limit}${from}`);
    read.push(...(page['chunk'] as ClientEvent[]));
    if (page['end'] === undefined) return read;
    from = `&from=${String(page['end'])}`;
  }
}

async function stateIdsAt(index: number, roomId: string, eventId: string): Promise<unknown> {
  const { status, body } = await peer.call(
    servers.at(index),
    'GET',
    `/_matrix/federation/v1/state_ids/${enc(roomId)}?event_id=${enc(eventId)}`,
  );
  return status === 200 ? (body['pdu_ids'] as string[]).toSorted() : status;
}

test('a server that came late tells of the same states in the past as one that was there', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', topic: 'first' });
  const benvolio = await servers.user('benvolio', 0);
  for (let index = 0; index < 8; index += 1) await romeo.send(roomId, `first ${index}`);
  await romeo.setState(roomId, 'm.room.topic', { topic: 'second' });
  await benvolio.join(roomId);
  for (let index = 0; index < 8; index += 1) await benvolio.send(roomId, `second ${index}`);
  await benvolio.leave(roomId);
  await romeo.setState(roomId, 'm.room.name', { name: 'late' });
  for (let index = 0; index < 30; index += 1) await romeo.send(roomId, `third ${index}`);
  await juliet.join(roomId, { via: [servers.at(0).name] });
  await peer.join(servers.at(0), roomId, 'tybalt');
  await juliet.nextEvent(roomId, 'm.room.member');

  const history = await readBack(roomId, 10);
  expect(history.filter((event) => event.type === 'm.room.message')).toHaveLength(46);
  for (const { event_id: eventId } of history) expect(await stateIdsAt(1, roomId, eventId)).toEqual(await stateIdsAt(0, roomId, eventId));

  const topic = history.find((event) => event.type === 'm.room.topic' && event.content['topic'] === 'second');
  expect(topic?.unsigned).toMatchObject({ prev_content: { topic: 'first' }, membership: 'leave' });
  const said = history.find((event) => event.content['body'] === 'second 3');
  const context = await juliet.call('GET', `${roomPath(roomId)}/context/${enc(said?.event_id ?? '')}?limit=2`);
  const told = new Map((context['state'] as ClientEvent[]).map((event) => [`${event.type} ${event.state_key}`, event.content]));
  expect(told.get('m.room.topic ')).toEqual({ topic: 'second' });
  expect(told.get(`m.room.member ${benvolio.id}`)).toMatchObject({ membership: 'join' });
  expect([told.has('m.room.name '), told.has(`m.room.member ${juliet.id}`)]).toEqual([false, false]);

  const filter = enc(JSON.stringify({ lazy_load_members: true }));
  const around = await juliet.call('GET', `${roomPath(roomId)}/context/${enc(said?.event_id ?? '')}?limit=2&filter=${filter}`);
  const lazy = await juliet.call('GET', `${roomPath(roomId)}/messages?dir=b&limit=2&from=${String(around['end'])}&filter=${filter}`);
  expect(lazy['state']).toMatchObject([{ state_key: benvolio.id, content: { membership: 'join' } }]);
});

test('a stretch of history is shown by the visibility that held before it, which is not part of it', async () => {
  const roomId = await romeo.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
  });
  const closed: string[] = [];
  for (let index = 0; index < 40; index += 1) closed.push(await romeo.send(roomId, `closed ${index}`));
  await romeo.setState(roomId, 'm.room.history_visibility', { history_visibility: 'shared' });
  for (let index = 0; index < 3; index += 1) await romeo.send(roomId, `open ${index}`);
  await juliet.join(roomId, { via: [servers.at(0).name] });

  // One page, of which the oldest events are closed ones; what closed them stands further back.
  const page = await juliet.messages(roomId, { limit: 20 });
  expect(page.filter((event) => event.type === 'm.room.message').map((event) => event.content['body'])).toEqual([
    'open 2',
    'open 1',
    'open 0',
  ]);
  const all = await readBack(roomId, 20);
  expect(all.map((event) => event.event_id).filter((id) => closed.includes(id))).toEqual([]);
  const hidden = await juliet.attempt('GET', `${roomPath(roomId)}/event/${enc(closed.at(-1) ?? '')}`);
  expect([hidden.status, hidden.body['errcode']]).toEqual([404, 'M_NOT_FOUND']);
});

/** The peer's room, with its timeline given by backfill as an honest server would. */
async function hostWithHistory(room: HostedRoom, stateIdsOf: (eventId: string) => string[] | undefined): Promise<void> {
  peer.answer((method, path, body) => {
    const query = new URLSearchParams(path.split('?')[1]);
    if (path.includes('/backfill/')) {
      const from = room.timeline.findIndex(({ id }) => query.getAll('v').includes(id));
      const pdus = room.timeline
        .slice(0, from + 1)
        .slice(-Number(query.get('limit')))
        .map(({ event }) => event);
      return { origin: peer.name, origin_server_ts: Date.now(), pdus };
    }
    if (!path.includes('/state_ids/')) return room.answer(method, path, body);
    const ids = stateIdsOf(query.get('event_id') ?? '');
    return ids === undefined ? undefined : { pdu_ids: ids, auth_chain_ids: [...new Set([...ids, ...room.state.map(({ id }) => id)])] };
  });
}

const asked = (what: string) => peer.seen.filter(({ path }) => path.includes(what)).length;

test('messages right below what is here cost no question for a state, and one that is refused by its state is not shown', async () => {
  const room = await hostRoom(peer, { members: 3 });
  const member = (index: number) => `@member${index}:${peer.name}`;
  const say = async (sender: string, body: string) =>
    await room.add({ type: 'm.room.message', sender, content: { msgtype: 'm.text', body } });
  await say(member(1), 'early');
  const joinOfMember = room.find('m.room.member', member(2));
  const powers = room.find('m.room.power_levels');
  const create = room.find('m.room.create');
  const ban = await room.add({ type: 'm.room.member', state_key: member(2), content: { membership: 'ban' } });
  const late = await room.add({
    type: 'm.room.message',
    sender: member(2),
    content: { msgtype: 'm.text', body: 'though banned' },
    auth_events: [create.id, powers.id, joinOfMember.id],
  });
  for (let index = 0; index < 30; index += 1) await say(member(0), `word ${index}`);
  const base = [...room.state.map(({ id }) => id)];
  const before = (eventId: string): string[] | undefined => {
    const at = room.timeline.findIndex(({ id }) => id === eventId);
    const isBanned = at > room.timeline.indexOf(ban);
    return at < 0 ? undefined : isBanned ? [...base.filter((id) => id !== joinOfMember.id), ban.id] : base;
  };
  await hostWithHistory(room, before);
  await romeo.join(room.roomId, { via: [peer.name] });
  const isPartial = async () => await servers.at(0).sql`select 1 from rooms where room_id = ${room.roomId} and is_partial`;
  await expect.poll(isPartial, { timeout: 30_000 }).toHaveLength(0);

  const questions = asked('/state_ids/');
  const texts = (events: readonly ClientEvent[]) => events.flatMap(({ content }) => content['body'] ?? []);
  expect(texts(await romeo.messages(room.roomId, { limit: 20 }))).toHaveLength(19);
  expect(asked('/state_ids/')).toBe(questions);

  const all = texts(await readBack(room.roomId, 20, romeo));
  expect(all).toEqual([...Array.from({ length: 30 }, (_, index) => `word ${29 - index}`), 'early']);
  expect(await storedKind(servers.at(0), late.id)).toBe('rejected');
});

test('history is shown though nobody tells of the states in it', async () => {
  const room = await hostRoom(peer);
  await room.add({ type: 'm.room.message', content: { msgtype: 'm.text', body: 'before' } });
  const topic = await room.add({ type: 'm.room.topic', state_key: '', content: { topic: 'something' } });
  await hostWithHistory(room, () => undefined);
  await romeo.join(room.roomId, { via: [peer.name] });
  const history = await readBack(room.roomId, 20, romeo);
  expect(history.map((event) => event.event_id)).toContain(topic.id);
  expect(history.flatMap(({ content }) => content['body'] ?? [])).toEqual(['before']);
});
