import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { type ClientEvent, createNames, type TestUser } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

type Json = Record<string, unknown>;
type Results = {
  count: number;
  highlights: string[];
  next_batch?: string;
  results: {
    rank: number;
    result: ClientEvent & { room_id: string };
    context: {
      events_before?: ClientEvent[];
      events_after?: ClientEvent[];
      start?: string;
      end?: string;
      profile_info?: Record<string, Json>;
    };
  }[];
  state?: Record<string, ClientEvent[]>;
  groups?: Record<string, Record<string, { results: string[]; next_batch?: string; order: number }>>;
};

const PATH = '/_matrix/client/v3/search';
const roomPath = (roomId: string, rest: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/${rest}`;

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(async () => await server[Symbol.asyncDispose]());

async function search(user: TestUser, term: string, criteria: Json = {}, nextBatch?: string): Promise<Results> {
  const query = nextBatch === undefined ? '' : `?next_batch=${encodeURIComponent(nextBatch)}`;
  const answer = await user.call('POST', PATH + query, { search_categories: { room_events: { search_term: term, ...criteria } } });
  return (answer['search_categories'] as { room_events: Results }).room_events;
}
const bodies = ({ results }: Results) => results.map(({ result }) => result.content['body']);
const inRoom = (...rooms: string[]) => ({ filter: { rooms } });

test('a message is found by its words as soon as it is sent, with what was said around it', async () => {
  const roomId = await romeo.createRoom();
  const before = await romeo.send(roomId, 'He jests at scars');
  const eventId = await romeo.send(roomId, 'But soft! What light through yonder windows breaks?');
  const after = await romeo.send(roomId, 'It is the east');

  const found = await search(romeo, 'window LIGHT', {
    ...inRoom(roomId),
    event_context: { before_limit: 1, after_limit: 1, include_profile: true },
    include_state: true,
  });
  expect(found.count).toBe(1);
  expect(found.highlights.toSorted()).toEqual(['light', 'windows']);
  const [hit] = found.results;
  expect(hit?.result).toMatchObject({ event_id: eventId, room_id: roomId, sender: romeo.id, type: 'm.room.message' });
  expect(hit?.rank).toBeGreaterThan(0);
  expect(hit?.context.events_before?.map((event) => event.event_id)).toEqual([before]);
  expect(hit?.context.events_after?.map((event) => event.event_id)).toEqual([after]);
  expect(hit?.context.profile_info?.[romeo.id]).toEqual({ displayname: 'romeo' });
  expect(found.state?.[roomId]?.map((event) => event.type)).toContain('m.room.create');
  const around = await romeo.call('GET', roomPath(roomId, `messages?dir=f&from=${hit?.context.end}&limit=5`));
  expect(around['chunk']).toEqual([]);
  expect(
    (await search(romeo, 'light', { ...inRoom(roomId), event_context: { before_limit: 0, after_limit: 0 } })).results[0]?.context,
  ).toMatchObject({
    events_before: [],
    events_after: [],
  });
  expect(await search(romeo, 'moonshine', inRoom(roomId))).toMatchObject({ count: 0, results: [], highlights: [] });
});

test('names and topics are searched by their keys, phrases and excluded words as in a web search', async () => {
  const roomId = await romeo.createRoom({ name: 'The orchard wall', topic: 'Where orchards are climbed' });
  await romeo.send(roomId, 'an orchard in a message');
  const keyed = async (...keys: string[]) =>
    (await search(romeo, 'orchard', { ...inRoom(roomId), keys })).results.map(({ result }) => result.type);
  expect(await keyed('content.name')).toEqual(['m.room.name']);
  expect(await keyed('content.topic')).toEqual(['m.room.topic']);
  expect(await keyed('content.body')).toEqual(['m.room.message']);
  expect((await search(romeo, 'orchard', inRoom(roomId))).count).toBe(3);
  expect((await search(romeo, '"orchard wall"', inRoom(roomId))).count).toBe(1);
  expect((await search(romeo, 'orchard -climbed -wall', inRoom(roomId))).count).toBe(1);
  expect((await search(romeo, 'orchard', { filter: { rooms: [roomId], types: ['m.room.name'] } })).count).toBe(1);
  expect((await search(romeo, 'orchard', { filter: { rooms: [roomId], not_types: ['m.room.*'] } })).count).toBe(0);
});

test('newest first, page by page, in all and in each group', async () => {
  const verona = await romeo.createRoom({ invite: [juliet.id] });
  const mantua = await romeo.createRoom();
  await juliet.join(verona);
  const sent: string[] = [];
  for (let index = 0; index < 6; index += 1) {
    const who = index % 2 === 0 ? romeo : juliet;
    sent.unshift(await who.send(verona, `apothecary ${index}`));
  }
  sent.unshift(await romeo.send(mantua, 'the apothecary lives here'));
  const criteria = {
    order_by: 'recent',
    filter: { rooms: [verona, mantua], limit: 3 },
    groupings: { group_by: [{ key: 'room_id' }, { key: 'sender' }] },
  };
  const ids = ({ results }: Results) => results.map(({ result }) => result.event_id);

  const first = await search(romeo, 'apothecary', criteria);
  expect(first.count).toBe(7);
  expect(ids(first)).toEqual(sent.slice(0, 3));
  const second = await search(romeo, 'apothecary', criteria, first.next_batch);
  expect(ids(second)).toEqual(sent.slice(3, 6));
  const third = await search(romeo, 'apothecary', criteria, second.next_batch);
  expect(ids(third)).toEqual(sent.slice(6));
  expect(third.next_batch).toBeUndefined();

  expect(first.groups?.['room_id']?.[mantua]).toMatchObject({ results: [sent[0]] });
  expect(first.groups?.['room_id']?.[mantua]?.next_batch).toBeUndefined();
  const ofVerona = first.groups?.['room_id']?.[verona];
  expect(ofVerona?.results).toEqual(sent.slice(1, 3));
  expect(ids(await search(romeo, 'apothecary', criteria, ofVerona?.next_batch))).toEqual(sent.slice(3, 6));
  const ofJuliet = first.groups?.['sender']?.[juliet.id];
  const more = await search(romeo, 'apothecary', criteria, ofJuliet?.next_batch);
  expect(more.results.map(({ result }) => result.sender)).toEqual([juliet.id, juliet.id]);

  const ranked = { filter: { rooms: [verona], limit: 4 } };
  const best = await search(romeo, 'apothecary', ranked);
  const rest = await search(romeo, 'apothecary', ranked, best.next_batch);
  expect(new Set([...ids(best), ...ids(rest)])).toEqual(new Set(sent.slice(1)));
  expect(rest.next_batch).toBeUndefined();

  const wrong = await romeo.attempt('POST', `${PATH}?next_batch=nonsense`, { search_categories: { room_events: { search_term: 'x' } } });
  expect(wrong).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
});

test('only what the searcher may see is found: not what came before their time, nor after it, nor elsewhere', async () => {
  const tybalt = await server.user('tybalt');
  const word = nameOf('dagger');
  const strict = await romeo.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } }],
  });
  await romeo.send(strict, `${word} before`);
  await tybalt.join(strict);
  await romeo.send(strict, `${word} while there`);
  await tybalt.leave(strict);
  await romeo.send(strict, `${word} after`);
  const secret = await romeo.createRoom();
  await romeo.send(secret, `${word} in secret`);

  const found = await search(tybalt, word);
  expect(bodies(found)).toEqual([`${word} while there`]);
  expect(found.count).toBe(1);
  expect((await search(romeo, word)).count).toBe(4);
  await tybalt.call('POST', roomPath(strict, 'forget'), {});
  expect((await search(tybalt, word)).count).toBe(0);
});

test('S21: what was redacted is found no more; an edit is found by its new words and not by the old', async () => {
  const roomId = await romeo.createRoom();
  const target = await romeo.send(roomId, 'a rose by any name');
  const relation = { 'm.relates_to': { rel_type: 'm.replace', event_id: target } };
  const edit = await romeo.send(roomId, {
    msgtype: 'm.text',
    body: '* a lily',
    'm.new_content': { msgtype: 'm.text', body: 'a lily by any name' },
    ...relation,
  });
  expect((await search(romeo, 'rose', inRoom(roomId))).count).toBe(0);
  const [lily] = (await search(romeo, 'lily', inRoom(roomId))).results;
  expect(lily?.result.event_id).toBe(target);

  await romeo.call('PUT', roomPath(roomId, `redact/${encodeURIComponent(edit)}/s1`), {});
  expect((await search(romeo, 'lily', inRoom(roomId))).count).toBe(0);
  expect((await search(romeo, 'rose', inRoom(roomId))).count).toBe(1);
  await romeo.call('PUT', roomPath(roomId, `redact/${encodeURIComponent(target)}/s2`), {});
  expect((await search(romeo, 'rose', inRoom(roomId))).count).toBe(0);
  await server.restart();
  expect((await search(romeo, 'rose lily', inRoom(roomId))).count).toBe(0);
});

test('ignored people are not found, nor what is said in an encrypted room', async () => {
  const roomId = await romeo.createRoom({ invite: [juliet.id] });
  await juliet.join(roomId);
  await juliet.send(roomId, 'a tedious nightingale');
  await romeo.send(roomId, 'it was the nightingale');
  await romeo.call('PUT', `/_matrix/client/v3/user/${romeo.id}/account_data/m.ignored_user_list`, { ignored_users: { [juliet.id]: {} } });
  expect(bodies(await search(romeo, 'nightingale', inRoom(roomId)))).toEqual(['it was the nightingale']);
  await romeo.call('PUT', `/_matrix/client/v3/user/${romeo.id}/account_data/m.ignored_user_list`, { ignored_users: {} });
  expect(bodies(await search(romeo, 'nightingale', { filter: { rooms: [roomId], not_senders: [romeo.id] } }))).toEqual([
    'a tedious nightingale',
  ]);
  expect(bodies(await search(romeo, 'nightingale', { filter: { rooms: [roomId], senders: [romeo.id] } }))).toEqual([
    'it was the nightingale',
  ]);

  await romeo.setState(roomId, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' });
  await romeo.send(roomId, 'a nightingale in clear');
  expect((await search(romeo, 'nightingale', inRoom(roomId))).count).toBe(0);
});

test('the rooms that a room has replaced are searched with it', async () => {
  const old = await romeo.createRoom({ room_version: '11' });
  await romeo.send(old, 'poison in the old room');
  const { replacement_room: replacement } = await romeo.call('POST', roomPath(old, 'upgrade'), { new_version: '12' });
  await romeo.send(String(replacement), 'poison in the new room');
  expect(bodies(await search(romeo, 'poison', { ...inRoom(String(replacement)), order_by: 'recent' }))).toEqual([
    'poison in the new room',
    'poison in the old room',
  ]);
});

test('a search that is none is refused, and one of another kind finds nothing', async () => {
  const attempt = (body: unknown) => romeo.attempt('POST', PATH, body);
  expect(await attempt({})).toMatchObject({ status: 400 });
  expect(await attempt({ search_categories: { room_events: {} } })).toMatchObject({ status: 400 });
  expect(await attempt({ search_categories: { room_events: { search_term: 'x', order_by: 'luck' } } })).toMatchObject({ status: 400 });
  expect(await attempt({ search_categories: { room_events: { search_term: 'x', event_context: { before_limit: -1 } } } })).toMatchObject({
    status: 400,
  });
  expect((await attempt({ search_categories: {} })).body).toEqual({ search_categories: {} });
  for (const term of ['', "'; drop table events; --", '((((', '-']) expect((await search(romeo, term)).results).toEqual([]);
});
