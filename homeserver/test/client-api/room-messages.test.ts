import { afterAll, beforeAll, expect, test } from 'vitest';
import { SLIDING_PATH } from '../kit/slide.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { type ClientEvent, logInTestUser, type TestUser } from '../kit/test-user.ts';

type Json = Record<string, unknown>;
type Page = { start: string; end?: string; chunk: ClientEvent[]; state?: ClientEvent[] };
type Context = {
  event: ClientEvent;
  events_before: ClientEvent[];
  events_after: ClientEvent[];
  state: ClientEvent[];
  start: string;
  end: string;
};

const API = '/_matrix/client/v3';
const roomPath = (roomId: string, rest: string) => `${API}/rooms/${encodeURIComponent(roomId)}/${rest}`;

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(async () => await server[Symbol.asyncDispose]());

async function page(user: TestUser, roomId: string, query: Record<string, string>): Promise<Page> {
  return (await user.call('GET', roomPath(roomId, `messages?${new URLSearchParams({ dir: 'b', ...query })}`))) as unknown as Page;
}
async function contextOf(user: TestUser, roomId: string, eventId: string, query: Record<string, string> = {}): Promise<Context> {
  return (await user.call(
    'GET',
    roomPath(roomId, `context/${encodeURIComponent(eventId)}?${new URLSearchParams(query)}`),
  )) as unknown as Context;
}
const filtered = (filter: Json) => ({ filter: JSON.stringify(filter), limit: '50' });
const bodies = (events: readonly ClientEvent[]) =>
  events.filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);

async function talk(): Promise<{ roomId: string; ids: string[] }> {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const ids: string[] = [];
  for (let index = 0; index < 6; index += 1) ids.push(await (index % 2 === 0 ? romeo : juliet).send(roomId, `line ${index}`));
  return { roomId, ids };
}

test('pages are narrowed by type, sender, room, link and relation', async () => {
  const { roomId, ids } = await talk();
  const picture = await romeo.send(roomId, { msgtype: 'm.image', body: 'a picture', url: 'mxc://hs.test/x' });
  const reply = { msgtype: 'm.text', body: 'in a thread', 'm.relates_to': { rel_type: 'm.thread', event_id: ids[0] } };
  await juliet.send(roomId, reply);
  const idsOf = async (filter: Json) => (await page(romeo, roomId, filtered(filter))).chunk.map((event) => event.event_id);
  const bodiesOf = async (filter: Json) => bodies((await page(romeo, roomId, filtered(filter))).chunk);

  expect(await bodiesOf({ types: ['m.room.message'], senders: [juliet.id] })).toEqual(['in a thread', 'line 5', 'line 3', 'line 1']);
  expect(await bodiesOf({ types: ['m.room.message'], not_senders: [juliet.id] })).toEqual(['a picture', 'line 4', 'line 2', 'line 0']);
  expect(
    (await page(romeo, roomId, filtered({ types: ['m.room.*'], not_types: ['m.room.message'] }))).chunk.map((event) => event.type),
  ).toContain('m.room.create');
  expect(await idsOf({ contains_url: true })).toEqual([picture]);
  expect(await bodiesOf({ contains_url: false, types: ['m.room.message'] })).not.toContain('a picture');
  expect(await idsOf({ related_by_rel_types: ['m.thread'] })).toEqual([ids[0]]);
  expect(await idsOf({ related_by_senders: [juliet.id] })).toEqual([ids[0]]);
  expect(await idsOf({ related_by_senders: [romeo.id] })).toEqual([]);
  expect(await bodiesOf({ 'org.matrix.msc3874.rel_types': ['m.thread'] })).toEqual(['in a thread']);
  expect(await bodiesOf({ 'org.matrix.msc3874.not_rel_types': ['m.thread'], senders: [juliet.id] })).toEqual([
    'line 5',
    'line 3',
    'line 1',
  ]);
  expect(await idsOf({ not_rooms: [roomId] })).toEqual([]);
  expect(await idsOf({ rooms: ['!elsewhere:hs.test'] })).toEqual([]);
  expect(await romeo.attempt('GET', roomPath(roomId, 'messages?dir=b&filter=%7B'))).toMatchObject({ status: 400 });
  expect(await romeo.attempt('GET', roomPath(roomId, 'messages?dir=x'))).toMatchObject({ status: 400 });
});

test('a rare event far back is found by its filter, and the way on is told until there is none', async () => {
  const roomId = await romeo.createRoom();
  const rare = await romeo.send(roomId, { rare: true }, 'test.rare');
  for (let index = 0; index < 150; index += 1) await romeo.send(roomId, `line ${index}`);
  const found = await page(romeo, roomId, { filter: JSON.stringify({ types: ['test.rare'] }), limit: '1' });
  expect(found.chunk.map((event) => event.event_id)).toEqual([rare]);

  const seen: ClientEvent[] = [];
  let from: string | undefined;
  for (let round = 0; round < 20; round += 1) {
    const { chunk, end } = await page(romeo, roomId, { limit: '40', ...(from === undefined ? {} : { from }) });
    seen.push(...chunk);
    from = end;
    if (end === undefined) break;
  }
  expect(from).toBeUndefined();
  expect(bodies(seen)).toEqual(Array.from({ length: 150 }, (_, index) => `line ${149 - index}`));
  expect(seen.at(-1)?.type).toBe('m.room.create');
  expect(new Set(seen.map((event) => event.event_id)).size).toBe(seen.length);
});

test('lazily loaded, a page brings the members who speak in it', async () => {
  const { roomId, ids } = await talk();
  const lazy = { filter: JSON.stringify({ lazy_load_members: true }) };
  const one = await page(romeo, roomId, { ...lazy, limit: '1' });
  expect(one.state?.map((event) => [event.type, event.state_key])).toEqual([['m.room.member', juliet.id]]);
  const two = await page(romeo, roomId, { ...lazy, limit: '2' });
  expect(two.state?.map((event) => event.state_key).toSorted()).toEqual([juliet.id, romeo.id].toSorted());
  const context = await contextOf(romeo, roomId, ids[5] ?? '', { ...lazy, limit: '0' });
  const members = context.state.filter((event) => event.type === 'm.room.member');
  expect(members.map((event) => event.state_key)).toEqual([juliet.id]);
  expect(context.state.map((event) => event.type)).toContain('m.room.create');
});

test('a context has as many events around it as were asked for, odd, even and none', async () => {
  const { roomId, ids } = await talk();
  const [, , middle = ''] = ids;
  const sizes: Record<string, [number, number]> = { '0': [0, 0], '1': [0, 1], '2': [1, 1], '3': [1, 2], '5': [2, 3] };
  for (const [limit, size] of Object.entries(sizes)) {
    const { events_before: before, events_after: after, event } = await contextOf(romeo, roomId, middle, { limit });
    expect(event.event_id).toBe(middle);
    expect([before.length, after.length], limit).toEqual(size);
  }
  const { events_before: before, events_after: after, start, end } = await contextOf(romeo, roomId, middle, { limit: '3' });
  expect(bodies([...before, ...after])).toEqual(['line 1', 'line 3', 'line 4']);
  expect(bodies((await page(romeo, roomId, { from: start, limit: '1' })).chunk)).toEqual(['line 0']);
  expect(bodies((await page(romeo, roomId, { from: end, dir: 'f', limit: '9' })).chunk)).toEqual(['line 5']);
  const narrow = await contextOf(romeo, roomId, middle, { limit: '4', filter: JSON.stringify({ senders: [juliet.id] }) });
  expect(bodies([...narrow.events_before, ...narrow.events_after])).toEqual(['line 1', 'line 3', 'line 5']);
  expect((await romeo.attempt('GET', roomPath(roomId, 'context/$nothing'))).status).toBe(404);
});

test('pages go both ways between tokens of every kind', async () => {
  const { roomId } = await talk();
  const { next_batch: early } = await romeo.sync();
  await romeo.send(roomId, 'line 6');
  await romeo.send(roomId, 'line 7');
  const { next_batch: late } = await romeo.sync();
  await romeo.send(roomId, 'line 8');
  const between = (query: Record<string, string>) => page(romeo, roomId, { limit: '50', ...query }).then(({ chunk }) => bodies(chunk));

  expect(await between({ from: String(late), to: String(early) })).toEqual(['line 7', 'line 6']);
  expect(await between({ dir: 'f', from: String(early), to: String(late) })).toEqual(['line 6', 'line 7']);
  expect(await between({ dir: 'f', from: String(early) })).toEqual(['line 6', 'line 7', 'line 8']);
  const back = await page(romeo, roomId, { from: String(late), limit: '1' });
  expect(bodies(back.chunk)).toEqual(['line 7']);
  expect(await between({ dir: 'f', from: back.end ?? '' })).toEqual(['line 7', 'line 8']);
  expect(await between({ dir: 'f', from: back.end ?? '', to: String(late) })).toEqual(['line 7']);

  const sliding = await romeo.call('POST', SLIDING_PATH, {
    room_subscriptions: { [roomId]: { timeline_limit: 1, required_state: [] } },
  });
  const told = (sliding['rooms'] as Record<string, { prev_batch: string }>)[roomId];
  expect((await between({ from: told?.prev_batch ?? '' }))[0]).toBe('line 7');
  expect((await between({ from: String(sliding['pos']) }))[0]).toBe('line 8');
  expect(await romeo.attempt('GET', roomPath(roomId, 'messages?dir=b&from=nonsense'))).toMatchObject({
    status: 400,
    body: { errcode: 'M_INVALID_PARAM' },
  });
});

test('members are listed as they stand, or stood at a token, by membership', async () => {
  const tybalt = await server.user('tybalt');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const { next_batch: before } = await romeo.sync();
  const { end: place } = await page(romeo, roomId, { limit: '1', dir: 'f', from: (await page(romeo, roomId, { limit: '1' })).end ?? '' });
  await tybalt.join(roomId);
  await juliet.leave(roomId);
  const list = async (user: TestUser, query: string) =>
    ((await user.call('GET', roomPath(roomId, `members${query}`)))['chunk'] as ClientEvent[]).map((event) => event.state_key).toSorted();

  expect(await list(romeo, '')).toEqual([juliet.id, romeo.id, tybalt.id].toSorted());
  expect(await list(romeo, '?membership=join')).toEqual([romeo.id, tybalt.id].toSorted());
  expect(await list(romeo, '?not_membership=join')).toEqual([juliet.id]);
  expect(await list(romeo, `?at=${before}&membership=join`)).toEqual([juliet.id, romeo.id].toSorted());
  expect(await list(romeo, `?at=${place}&membership=join`)).toEqual([juliet.id, romeo.id].toSorted());
  expect(await list(juliet, '?membership=join')).toEqual([romeo.id, tybalt.id].toSorted());
  expect(await romeo.attempt('GET', roomPath(roomId, 'members?at=nonsense'))).toMatchObject({
    status: 400,
    body: { errcode: 'M_INVALID_PARAM' },
  });
  expect(await romeo.attempt('GET', roomPath(roomId, 'members?membership=friend'))).toMatchObject({ status: 400 });
});

test('an event tells what it replaced, by whom, who redacted it, and how the reader stood to the room', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'One' });
  const heard = await romeo.send(roomId, 'before she came');
  await juliet.join(roomId);
  const first = (await romeo.state(roomId)).find((event) => event.type === 'm.room.name')?.event_id;
  const second = await romeo.setState(roomId, 'm.room.name', { name: 'Two' });
  const foul = await romeo.send(roomId, 'foul');
  const redaction = await romeo.call('PUT', roomPath(roomId, `redact/${encodeURIComponent(foul)}/r1`), { reason: 'shame' });

  const everywhere = async (user: TestUser, eventId: string): Promise<(Json | undefined)[]> => {
    const event = await user.event(roomId, eventId);
    const context = await contextOf(user, roomId, eventId);
    const messages = (await user.messages(roomId)).find((candidate) => candidate.event_id === eventId);
    const synced = await user.call(
      'GET',
      `${API}/sync?filter=${encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 50 } } }))}`,
    );
    const joined = (synced['rooms'] as { join: Record<string, { timeline: { events: ClientEvent[] } }> }).join[roomId];
    const told = joined?.timeline.events.find((candidate) => candidate.event_id === eventId);
    return [event.unsigned, context.event.unsigned, messages?.unsigned, told?.unsigned];
  };

  for (const unsigned of await everywhere(juliet, second))
    expect(unsigned).toMatchObject({
      replaces_state: first,
      prev_content: { name: 'One' },
      prev_sender: romeo.id,
      membership: 'join',
      age: expect.any(Number),
    });
  for (const unsigned of await everywhere(juliet, foul))
    expect(unsigned).toMatchObject({
      redacted_because: { event_id: redaction['event_id'], content: { reason: 'shame' }, sender: romeo.id },
    });
  for (const unsigned of await everywhere(juliet, heard)) expect(unsigned).toMatchObject({ membership: 'leave' });
});

test('the transaction id of a message is told to the device that sent it, and to no other', async () => {
  const roomId = await romeo.createRoom();
  const { event_id: eventId } = await romeo.call('PUT', roomPath(roomId, 'send/m.room.message/my-own'), { msgtype: 'm.text', body: 'x' });
  const other = await logInTestUser(server.url, 'romeo');
  const transactionOf = async (user: TestUser) =>
    ((await user.call('GET', roomPath(roomId, `event/${encodeURIComponent(String(eventId))}`)))['unsigned'] as Json)['transaction_id'];
  expect(await transactionOf(romeo)).toBe('my-own');
  expect(await transactionOf(other)).toBeUndefined();
});
