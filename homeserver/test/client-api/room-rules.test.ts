import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { type ClientEvent, createNames, type TestUser } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

type Json = Record<string, unknown>;
const API = '/_matrix/client/v3';
const roomPath = (roomId: string, rest: string) => `${API}/rooms/${encodeURIComponent(roomId)}/${rest}`;
const aliasPath = (alias: string) => `${API}/directory/room/${encodeURIComponent(alias)}`;

let server: TestServer;
let prince: TestUser;
let romeo: TestUser;
let juliet: TestUser;
beforeAll(async () => {
  server = await startServer();
  prince = await server.user('prince'); // the first account is the admin
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(async () => await server[Symbol.asyncDispose]());

async function stateOf(user: TestUser, roomId: string, type: string, key = ''): Promise<Json | undefined> {
  return (await user.state(roomId)).find((event) => event.type === type && event.state_key === key)?.content;
}
const create = (user: TestUser, wish: Json) => user.attempt('POST', `${API}/createRoom`, wish);

test.each([
  ['private_chat', 'invite', 'can_join'],
  ['trusted_private_chat', 'invite', 'can_join'],
  ['public_chat', 'public', 'forbidden'],
])('the preset %s makes a room of its kind', async (preset, joinRule, guestAccess) => {
  const roomId = await romeo.createRoom({ preset, room_version: '10', invite: [juliet.id], is_direct: true });
  expect(await stateOf(romeo, roomId, 'm.room.join_rules')).toEqual({ join_rule: joinRule });
  expect(await stateOf(romeo, roomId, 'm.room.guest_access')).toEqual({ guest_access: guestAccess });
  expect(await stateOf(romeo, roomId, 'm.room.history_visibility')).toEqual({ history_visibility: 'shared' });
  expect(await stateOf(romeo, roomId, 'm.room.member', juliet.id)).toMatchObject({ membership: 'invite', is_direct: true });
  const users = (await stateOf(romeo, roomId, 'm.room.power_levels'))?.['users'] as Json;
  expect(users).toEqual({ [romeo.id]: 100, ...(preset === 'trusted_private_chat' ? { [juliet.id]: 100 } : {}) });
});

test('in version 12 creators stand above all levels, and may be several', async () => {
  const roomId = await romeo.createRoom({
    room_version: '12',
    creation_content: { additional_creators: [juliet.id] },
    invite: [juliet.id],
  });
  expect(await stateOf(romeo, roomId, 'm.room.create')).toMatchObject({ room_version: '12', additional_creators: [juliet.id] });
  expect((await stateOf(romeo, roomId, 'm.room.power_levels'))?.['users']).toEqual({});
  await juliet.join(roomId);
  await juliet.setState(roomId, 'm.room.tombstone', { body: 'x', replacement_room: '!x:hs.test' });
  const trusted = await romeo.createRoom({ preset: 'trusted_private_chat', room_version: '12', invite: [juliet.id] });
  expect(await stateOf(romeo, trusted, 'm.room.create')).toMatchObject({ additional_creators: [juliet.id] });
  const wrong = await create(romeo, { room_version: '12', power_level_content_override: { users: { [romeo.id]: 100 } } });
  expect(wrong.status).toBe(400);
  expect((await create(romeo, { room_version: '12', creation_content: { additional_creators: ['nobody'] } })).status).toBe(400);
});

test('what the maker says goes before what the preset says', async () => {
  const roomId = await romeo.createRoom({
    room_version: '11',
    name: 'Named last',
    topic: 'A topic',
    creation_content: { 'm.federate': false, type: 'm.space', room_version: '1' },
    initial_state: [
      { type: 'm.room.join_rules', content: { join_rule: 'knock' } },
      { type: 'm.room.name', content: { name: 'Named first' } },
      { type: 'm.room.power_levels', content: { users: { [romeo.id]: 100 }, events_default: 7 } },
      { type: 'test.keyed', state_key: 'key', content: { a: 1 } },
    ],
    power_level_content_override: { events_default: 9 },
  });
  expect(await stateOf(romeo, roomId, 'm.room.create')).toMatchObject({ 'm.federate': false, type: 'm.space', room_version: '11' });
  expect(await stateOf(romeo, roomId, 'm.room.join_rules')).toEqual({ join_rule: 'knock' });
  expect(await stateOf(romeo, roomId, 'm.room.name')).toEqual({ name: 'Named last' });
  expect(await stateOf(romeo, roomId, 'm.room.topic')).toMatchObject({ topic: 'A topic' });
  expect(await stateOf(romeo, roomId, 'test.keyed', 'key')).toEqual({ a: 1 });
  expect(await stateOf(romeo, roomId, 'm.room.power_levels')).toMatchObject({ events_default: 7 });
  const kinds = (await romeo.messages(roomId)).toReversed().map((event) => event.type);
  expect(kinds.slice(0, 3)).toEqual(['m.room.create', 'm.room.member', 'm.room.power_levels']);
  expect(kinds.filter((type) => type === 'm.room.power_levels')).toHaveLength(1);
});

test('a wish that is none makes no room', async () => {
  const taken = nameOf('taken');
  const made = await create(romeo, { room_alias_name: taken });
  expect(made).toMatchObject({ status: 200, body: { room_alias: `#${taken}:hs.test` } });
  const before = (await romeo.call('GET', `${API}/joined_rooms`))['joined_rooms'] as string[];
  const wrong: [Json, string | undefined][] = [
    [{ room_version: '99' }, 'M_UNSUPPORTED_ROOM_VERSION'],
    [{ room_version: 9 }, 'M_BAD_JSON'],
    [{ name: 7 }, 'M_BAD_JSON'],
    [{ topic: {} }, 'M_BAD_JSON'],
    [{ invite: 'juliet' }, 'M_BAD_JSON'],
    [{ invite: ['juliet'] }, undefined],
    [{ preset: 'secret_chat' }, 'M_BAD_JSON'],
    [{ visibility: 'hidden' }, 'M_BAD_JSON'],
    [{ creation_content: 'x' }, 'M_BAD_JSON'],
    [{ power_level_content_override: 'x' }, 'M_BAD_JSON'],
    [{ initial_state: [{ type: 'x' }] }, 'M_BAD_JSON'],
    [{ initial_state: [{ type: 'm.room.create', content: {} }] }, 'M_INVALID_ROOM_STATE'],
    [{ room_alias_name: taken }, 'M_ROOM_IN_USE'],
    [{ room_alias_name: 'with:colon' }, 'M_INVALID_PARAM'],
    [{ room_alias_name: 'x'.repeat(256) }, 'M_INVALID_PARAM'],
  ];
  for (const [wish, errcode] of wrong) {
    const answer = await create(romeo, wish);
    expect([JSON.stringify(wish).slice(0, 60), answer.status]).toEqual([JSON.stringify(wish).slice(0, 60), 400]);
    if (errcode !== undefined) expect([wish, answer.body['errcode']]).toEqual([wish, errcode]);
  }
  expect((await romeo.call('GET', `${API}/joined_rooms`))['joined_rooms']).toEqual(before);
  const roomId = before[0] ?? '';
  for (const path of [`state/${'t'.repeat(256)}/`, `state/test/${'k'.repeat(256)}`, `send/${'t'.repeat(256)}/1`])
    expect([400, 413]).toContain((await romeo.attempt('PUT', roomPath(roomId, path), {})).status);
});

test('an alias is made by members, found by everybody, and taken away by who may', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const tybalt = await server.user('tybalt');
  const put = (user: TestUser, alias: string, id = roomId) => user.attempt('PUT', aliasPath(alias), { room_id: id });
  expect((await put(juliet, '#hers:hs.test')).status).toBe(200);
  expect((await put(romeo, '#hers:hs.test')).status).toBe(409);
  expect(await put(tybalt, '#his:hs.test')).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  expect(await put(romeo, '#x:elsewhere.test')).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  expect(await put(romeo, 'nonsense')).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  expect(await tybalt.call('GET', aliasPath('#hers:hs.test'))).toMatchObject({ room_id: roomId, servers: ['hs.test'] });
  expect(await tybalt.attempt('GET', aliasPath('#none:hs.test'))).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  expect((await juliet.call('GET', roomPath(roomId, 'aliases')))['aliases']).toEqual(['#hers:hs.test']);
  expect((await tybalt.attempt('GET', roomPath(roomId, 'aliases'))).status).toBe(403);

  await put(romeo, '#main:hs.test');
  await romeo.setState(roomId, 'm.room.canonical_alias', { alias: '#main:hs.test', alt_aliases: ['#hers:hs.test'] });
  expect((await tybalt.attempt('DELETE', aliasPath('#hers:hs.test'))).status).toBe(403);
  expect((await juliet.attempt('DELETE', aliasPath('#main:hs.test'))).status).toBe(403);
  await juliet.call('DELETE', aliasPath('#hers:hs.test'));
  expect(await stateOf(romeo, roomId, 'm.room.canonical_alias')).toMatchObject({ alias: '#main:hs.test' });
  await romeo.call('DELETE', aliasPath('#main:hs.test'));
  expect((await stateOf(romeo, roomId, 'm.room.canonical_alias'))?.['alias']).toBeUndefined();
  expect((await romeo.attempt('DELETE', aliasPath('#main:hs.test'))).status).toBe(404);
});

test('the directory is searched by words and kinds of room, and paged both ways', async () => {
  const word = nameOf('orchard');
  const space = await romeo.createRoom({ visibility: 'public', name: `${word} space`, creation_content: { type: 'm.space' } });
  const rooms = [space];
  for (const number of ['one', 'two', 'three']) rooms.push(await romeo.createRoom({ visibility: 'public', name: `${word} ${number}` }));
  await romeo.createRoom({ visibility: 'private', name: `${word} hidden` });
  type Listing = {
    chunk: { room_id: string; room_type?: string; name: string; num_joined_members: number }[];
    next_batch?: string;
    prev_batch?: string;
    total_room_count_estimate: number;
  };
  const list = async (body: Json) => (await juliet.call('POST', `${API}/publicRooms`, body)) as unknown as Listing;
  const idsOf = ({ chunk }: Listing) => chunk.map((room) => room.room_id);

  const all = await list({ filter: { generic_search_term: word } });
  expect(new Set(idsOf(all))).toEqual(new Set(rooms));
  expect(all.total_room_count_estimate).toBe(4);
  expect(idsOf(await list({ filter: { generic_search_term: `${word.toUpperCase()} TWO` } }))).toEqual([rooms[2]]);
  expect(idsOf(await list({ filter: { generic_search_term: word, room_types: ['m.space'] } }))).toEqual([space]);
  expect(new Set(idsOf(await list({ filter: { generic_search_term: word, room_types: [null] } })))).toEqual(new Set(rooms.slice(1)));
  expect(new Set(idsOf(await list({ filter: { generic_search_term: word, room_types: [null, 'm.space'] } })))).toEqual(new Set(rooms));

  const first = await list({ limit: 3, filter: { generic_search_term: word } });
  const second = await list({ limit: 3, since: first.next_batch, filter: { generic_search_term: word } });
  expect(new Set([...idsOf(first), ...idsOf(second)])).toEqual(new Set(rooms));
  expect(second.next_batch).toBeUndefined();
  expect(idsOf(await list({ limit: 3, since: second.prev_batch, filter: { generic_search_term: word } }))).toEqual(idsOf(first));
  expect((await juliet.attempt('POST', `${API}/publicRooms`, { since: 'nonsense' })).status).toBe(400);
  expect(((await juliet.call('GET', `${API}/publicRooms?server=hs.test&limit=1`))['chunk'] as unknown[]).length).toBe(1);

  const visibility = `${API}/directory/list/room/${encodeURIComponent(space)}`;
  expect(await juliet.call('GET', visibility)).toEqual({ visibility: 'public' });
  expect((await juliet.attempt('PUT', visibility, { visibility: 'private' })).status).toBe(403);
  await romeo.call('PUT', visibility, { visibility: 'private' });
  expect(await juliet.call('GET', visibility)).toEqual({ visibility: 'private' });
  expect((await juliet.attempt('GET', `${API}/directory/list/room/${encodeURIComponent('!none:hs.test')}`)).status).toBe(404);
});

test('kicks, bans, invites and forgetting keep to who stands where', async () => {
  const tybalt = await server.user('benvolio');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const act = (user: TestUser, what: string, target?: string) =>
    user.attempt('POST', roomPath(roomId, what), target === undefined ? {} : { user_id: target }).then(({ status }) => status);

  expect(await act(romeo, 'kick', tybalt.id)).toBe(403);
  expect(await act(romeo, 'unban', tybalt.id)).toBe(403);
  expect(await act(tybalt, 'leave')).toBe(403);
  await tybalt.join(roomId);
  await tybalt.join(roomId);
  expect(await act(romeo, 'invite', tybalt.id)).toBe(403);
  expect(await act(tybalt, 'ban', romeo.id)).toBe(403);
  expect(await romeo.attempt('POST', roomPath(roomId, 'forget'), {})).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } });
  expect(await act(romeo, 'ban', tybalt.id)).toBe(200);
  expect(await act(romeo, 'kick', tybalt.id)).toBe(403);
  expect(await act(romeo, 'invite', tybalt.id)).toBe(403);
  expect(await act(tybalt, 'join')).toBe(403);
  expect(await act(romeo, 'unban', tybalt.id)).toBe(200);
  expect(await act(romeo, 'invite', tybalt.id)).toBe(200);
  expect(await act(tybalt, 'leave')).toBe(200);
  expect(await act(tybalt, 'leave')).toBe(200);
  expect(await act(tybalt, 'forget')).toBe(200);
  expect((await tybalt.attempt('GET', roomPath(roomId, 'messages?dir=b'))).status).toBe(403);
  await tybalt.join(roomId);
  expect((await tybalt.attempt('GET', roomPath(roomId, 'messages?dir=b'))).status).toBe(200);
  expect((await tybalt.call('GET', `${API}/joined_rooms`))['joined_rooms']).toEqual([roomId]);
  expect([404, 403]).toContain((await tybalt.attempt('POST', `${API}/join/${encodeURIComponent('!none:hs.test')}`, {})).status);
});

test('who was in the room whose members may come in is let in no more once this server has left it', async () => {
  const allowed = await romeo.createRoom({ preset: 'public_chat' });
  const roomId = await juliet.createRoom({
    room_version: '10',
    initial_state: [
      {
        type: 'm.room.join_rules',
        state_key: '',
        content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: allowed }] },
      },
    ],
  });
  expect((await prince.attempt('POST', roomPath(roomId, 'join'), {})).status).toBe(403);
  await prince.join(allowed);
  await prince.join(roomId);
  await prince.leave(roomId);
  await prince.leave(allowed);
  await romeo.leave(allowed);
  expect((await prince.attempt('POST', roomPath(roomId, 'join'), {})).status).toBe(403);
  const second = await juliet.attempt('POST', roomPath(roomId, 'invite'), { user_id: prince.id });
  expect(second.status).toBe(200);
  await prince.join(roomId);
});

test('saying the same of a room again changes nothing', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const first = await romeo.setState(roomId, 'm.room.topic', { topic: 'one' });
  expect(await romeo.setState(roomId, 'm.room.topic', { topic: 'one' })).toBe(first);
  const second = await romeo.setState(roomId, 'm.room.topic', { topic: 'two' });
  expect(second).not.toBe(first);
  expect(await romeo.setState(roomId, 'm.room.topic', { topic: 'one' })).not.toBe(first);
  await romeo.invite(roomId, juliet.id);
  await romeo.invite(roomId, juliet.id);
  const invites = (await romeo.messages(roomId)).filter((event) => event.state_key === juliet.id);
  expect(invites).toHaveLength(1);
});

test('a knock is heard where knocking is the rule', async () => {
  const tybalt = await server.user('mercutio');
  const roomId = await romeo.createRoom({
    room_version: '10',
    initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
  });
  expect((await tybalt.attempt('POST', roomPath(roomId, 'join'), {})).status).toBe(403);
  await tybalt.call('POST', `${API}/knock/${encodeURIComponent(roomId)}`, { reason: 'let me in' });
  expect(await stateOf(romeo, roomId, 'm.room.member', tybalt.id)).toMatchObject({ membership: 'knock', reason: 'let me in' });
  await romeo.invite(roomId, tybalt.id);
  await tybalt.join(roomId);
  expect((await tybalt.attempt('POST', `${API}/knock/${encodeURIComponent(roomId)}`, {})).status).toBe(403);
  const closed = await romeo.createRoom();
  expect((await tybalt.attempt('POST', `${API}/knock/${encodeURIComponent(closed)}`, {})).status).toBe(403);

  const both = await romeo.createRoom({
    room_version: '10',
    initial_state: [
      {
        type: 'm.room.join_rules',
        state_key: '',
        content: { join_rule: 'knock_restricted', allow: [{ type: 'm.room_membership', room_id: roomId }] },
      },
    ],
  });
  const stranger = await server.user('stranger');
  expect((await stranger.attempt('POST', roomPath(both, 'join'), {})).status).toBe(403);
  await stranger.call('POST', `${API}/knock/${encodeURIComponent(both)}`, {});
  await tybalt.join(both);
  expect(await stateOf(romeo, both, 'm.room.member', tybalt.id)).toMatchObject({
    membership: 'join',
    join_authorised_via_users_server: romeo.id,
  });
});

test('an upgrade takes along what the room was, and what people kept of it', async () => {
  const tybalt = await server.user('paris');
  const alias = nameOf('verona');
  const old = await romeo.createRoom({
    room_version: '10',
    preset: 'public_chat',
    visibility: 'public',
    name: 'Verona',
    topic: 'Two households',
    room_alias_name: alias,
    creation_content: { 'm.federate': false },
    initial_state: [{ type: 'm.room.server_acl', state_key: '', content: { allow: ['*'], deny: ['bad.test'] } }],
  });
  await juliet.join(old);
  await romeo.call('POST', roomPath(old, 'ban'), { user_id: tybalt.id, reason: 'a quarrel' });
  await juliet.call('PUT', `${API}/user/${juliet.id}/rooms/${encodeURIComponent(old)}/tags/m.favourite`, { order: 0.1 });
  await juliet.call('PUT', `${API}/user/${juliet.id}/account_data/m.direct`, { [romeo.id]: [old] });
  await juliet.call('PUT', `${API}/pushrules/global/room/${encodeURIComponent(old)}`, { actions: [] });

  const upgrade = (user: TestUser, roomId: string, version: string) =>
    user.attempt('POST', roomPath(roomId, 'upgrade'), { new_version: version });
  expect(await upgrade(juliet, old, '12')).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  expect(await upgrade(romeo, old, '99')).toMatchObject({ status: 400, body: { errcode: 'M_UNSUPPORTED_ROOM_VERSION' } });
  expect(await upgrade(romeo, '!none:hs.test', '12')).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  const { body } = await upgrade(romeo, old, '12');
  const next = String(body['replacement_room']);

  expect(await stateOf(romeo, next, 'm.room.create')).toMatchObject({ 'm.federate': false, predecessor: { room_id: old } });
  expect(await stateOf(romeo, next, 'm.room.member', tybalt.id)).toEqual({ membership: 'ban', reason: 'a quarrel' });
  expect(await stateOf(romeo, next, 'm.room.server_acl')).toEqual({ allow: ['*'], deny: ['bad.test'] });
  expect(await stateOf(romeo, next, 'm.room.name')).toEqual({ name: 'Verona' });
  expect(await stateOf(romeo, next, 'm.room.canonical_alias')).toMatchObject({ alias: `#${alias}:hs.test` });
  expect(await stateOf(romeo, old, 'm.room.tombstone')).toMatchObject({ replacement_room: next });
  expect(await romeo.call('GET', aliasPath(`#${alias}:hs.test`))).toMatchObject({ room_id: next });
  expect((await stateOf(romeo, old, 'm.room.power_levels'))?.['events_default']).toBeGreaterThanOrEqual(50);
  expect((await juliet.attempt('PUT', roomPath(old, 'send/m.room.message/late'), { msgtype: 'm.text', body: 'x' })).status).toBe(403);

  await juliet.join(next);
  expect(await juliet.call('GET', `${API}/user/${juliet.id}/rooms/${encodeURIComponent(next)}/tags`)).toEqual({
    tags: { 'm.favourite': { order: 0.1 } },
  });
  expect(await juliet.call('GET', `${API}/user/${juliet.id}/account_data/m.direct`)).toEqual({ [romeo.id]: [old, next] });
  expect((await juliet.call('GET', `${API}/pushrules/global/room/${encodeURIComponent(next)}`))['actions']).toEqual([]);
  expect((await tybalt.attempt('POST', roomPath(next, 'join'), {})).status).toBe(403);
  const listed = (await juliet.call('GET', `${API}/publicRooms`))['chunk'] as { room_id: string }[];
  expect(listed.map((room) => room.room_id)).toContain(next);
  expect((await romeo.messages(next)).map((event: ClientEvent) => event.type)).not.toContain('m.room.tombstone');
  expect(prince.id).toBe('@prince:hs.test');
});
