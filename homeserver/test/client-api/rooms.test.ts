import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

const roomPath = (roomId: string, rest: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/${rest}`;

async function stateOf(user: TestUser, roomId: string, type: string, stateKey = ''): Promise<Record<string, unknown> | undefined> {
  return (await user.state(roomId)).find((event) => event.type === type && event.state_key === stateKey)?.content;
}

test('a new room has what its preset and its maker ask for', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom({
    preset: 'public_chat',
    name: 'Verona',
    topic: 'Two households',
    initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
    power_level_content_override: { invite: 60 },
  });
  expect(await stateOf(romeo, roomId, 'm.room.join_rules')).toEqual({ join_rule: 'public' });
  expect(await stateOf(romeo, roomId, 'm.room.name')).toEqual({ name: 'Verona' });
  expect(await stateOf(romeo, roomId, 'm.room.encryption')).toEqual({ algorithm: 'm.megolm.v1.aes-sha2' });
  expect(await stateOf(romeo, roomId, 'm.room.power_levels')).toMatchObject({ invite: 60, users: {} });
  expect(await stateOf(romeo, roomId, 'm.room.create')).toMatchObject({ room_version: '12' });
});

test('a room that contradicts itself is not made, and leaves nothing behind', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const answer = await romeo.attempt('POST', '/_matrix/client/v3/createRoom', {
    room_version: '11',
    power_level_content_override: { users: { [romeo.id]: 0 } },
    name: 'I may not name it',
  });
  expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_ROOM_STATE' } });
  expect(await server.sql`select 1 from events`).toHaveLength(0);
  expect((await romeo.call('GET', '/_matrix/client/v3/joined_rooms'))['joined_rooms']).toEqual([]);

  const unknown = await romeo.attempt('POST', '/_matrix/client/v3/createRoom', { room_version: '99' });
  expect(unknown).toMatchObject({ status: 400, body: { errcode: 'M_UNSUPPORTED_ROOM_VERSION' } });
});

test('who is kicked may come back, who is banned may not, until the ban is lifted', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const tybalt = await server.user('tybalt');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await tybalt.join(roomId);

  expect((await tybalt.attempt('POST', roomPath(roomId, 'kick'), { user_id: romeo.id })).body).toMatchObject({ errcode: 'M_FORBIDDEN' });
  await romeo.call('POST', roomPath(roomId, 'kick'), { user_id: tybalt.id, reason: 'a quarrel' });
  expect(await stateOf(romeo, roomId, 'm.room.member', tybalt.id)).toMatchObject({ membership: 'leave', reason: 'a quarrel' });
  await tybalt.join(roomId);

  await romeo.call('POST', roomPath(roomId, 'ban'), { user_id: tybalt.id });
  const refused = await tybalt.attempt('POST', roomPath(roomId, 'join'), {});
  expect(refused).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  await romeo.call('POST', roomPath(roomId, 'unban'), { user_id: tybalt.id });
  await tybalt.join(roomId);
});

test('an uninvited stranger neither enters nor reads a private room', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const tybalt = await server.user('tybalt');
  const roomId = await romeo.createRoom();
  const eventId = await romeo.send(roomId, 'a secret');
  for (const [method, rest] of [
    ['POST', 'join'],
    ['GET', 'messages?dir=b'],
    ['GET', 'state'],
    ['GET', 'members'],
    ['GET', `context/${eventId}`],
    ['GET', 'aliases'],
  ] as const) {
    const answer = await tybalt.attempt(method, roomPath(roomId, rest), method === 'POST' ? {} : undefined);
    expect(answer, rest).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  }
  expect(await tybalt.attempt('GET', roomPath(roomId, `event/${eventId}`))).toMatchObject({ status: 404 });
});

test('who left reads what was said until then, and no more', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'Before' });
  await juliet.join(roomId);
  const heard = await romeo.send(roomId, 'while she was there');
  await juliet.leave(roomId);
  const later = await romeo.send(roomId, 'after she left');
  await romeo.setState(roomId, 'm.room.name', { name: 'After' });

  const seen = (await juliet.messages(roomId)).filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);
  expect(seen).toEqual(['while she was there']);
  expect(await stateOf(juliet, roomId, 'm.room.name')).toEqual({ name: 'Before' });
  expect((await juliet.attempt('GET', roomPath(roomId, `event/${later}`))).status).toBe(404);
  const context = await juliet.call('GET', roomPath(roomId, `context/${heard}?limit=20`));
  const state = context['state'] as { type: string; content: object }[];
  expect(state.find((event) => event.type === 'm.room.name')?.content).toEqual({ name: 'Before' });
});

test('who speaks into a room they are not in is refused alike, whether the room is there or not', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom();
  for (const target of [roomId, '!nowhere:hs1.test']) {
    const answer = await juliet.attempt('PUT', roomPath(target, 'send/m.room.message/1'), { msgtype: 'm.text', body: 'hello?' });
    expect([answer.status, answer.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
  }
});

test('the same transaction answers the same event, also after a restart, and its device sees the id', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom();
  const send = () => romeo.call('PUT', roomPath(roomId, 'send/m.room.message/txn-1'), { msgtype: 'm.text', body: 'once' });
  const first = await send();
  expect(await send()).toEqual(first);
  await server.restart();
  expect(await send()).toEqual(first);
  const said = (await romeo.messages(roomId)).filter((event) => event.type === 'm.room.message');
  expect(said).toHaveLength(1);
  expect(said[0]?.unsigned).toMatchObject({ transaction_id: 'txn-1' });
});

test('a redaction takes the words away for everybody', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const eventId = await romeo.send(roomId, 'regretted');
  const redact = (user: TestUser, id: string) =>
    user.attempt('PUT', roomPath(roomId, `redact/${encodeURIComponent(id)}/r1`), { reason: 'oh no' });

  expect(await redact(juliet, eventId)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  expect((await juliet.call('GET', roomPath(roomId, `event/${encodeURIComponent(eventId)}`)))['content']).toMatchObject({
    body: 'regretted',
  });
  expect((await redact(romeo, eventId)).status).toBe(200);
  const pruned = await juliet.call('GET', roomPath(roomId, `event/${encodeURIComponent(eventId)}`));
  expect(pruned['content']).toEqual({});
  expect(pruned['unsigned']).toMatchObject({ redacted_because: { sender: romeo.id, content: { reason: 'oh no' } } });
});

test('the context of an event is what stands around it', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom();
  const ids: string[] = [];
  for (let index = 0; index < 9; index += 1) ids.push(await romeo.send(roomId, `line ${index}`));
  const context = await romeo.call('GET', roomPath(roomId, `context/${encodeURIComponent(ids[4] ?? '')}?limit=4`));
  const bodies = (key: string) => (context[key] as { content: { body: string } }[]).map((event) => event.content.body);
  expect(bodies('events_before')).toEqual(['line 3', 'line 2']);
  expect(bodies('events_after')).toEqual(['line 5', 'line 6']);

  const earlier = await romeo.call('GET', roomPath(roomId, `messages?dir=b&limit=1&from=${String(context['start'])}`));
  expect((earlier['chunk'] as { content: { body: string } }[])[0]?.content.body).toBe('line 1');
  const later = await romeo.call('GET', roomPath(roomId, `messages?dir=f&limit=1&from=${String(context['end'])}`));
  expect((later['chunk'] as { content: { body: string } }[])[0]?.content.body).toBe('line 7');
});

test('what no event may be is refused with a reason, and stores nothing', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom();
  const before = await server.sql`select 1 from events`;
  const send = (body: unknown, type = 'm.room.message') => romeo.attempt('PUT', roomPath(roomId, `send/${type}/${Math.random()}`), body);

  expect(await send({ msgtype: 'm.text', body: 'x'.repeat(70_000) })).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
  expect((await send({ pi: 3.14 })).status).toBe(400);
  expect((await send({ big: 2 ** 60 })).status).toBe(400);
  expect((await send([])).status).toBe(400);
  expect((await send({}, 't'.repeat(300))).status).toBeGreaterThanOrEqual(400);
  const missing = await romeo.attempt('PUT', '/_matrix/client/v3/rooms/!nowhere:hs.test/send/m.room.message/1', {});
  expect(missing.status).toBeGreaterThanOrEqual(403);
  expect(await server.sql`select 1 from events`).toHaveLength(before.length);
});

test('a person of the allowed room enters a restricted one, a stranger does not', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const tybalt = await server.user('tybalt');
  const house = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(house);
  const rules = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: house }] };
  const roomId = await romeo.createRoom({ initial_state: [{ type: 'm.room.join_rules', state_key: '', content: rules }] });
  await juliet.join(roomId);
  expect(await stateOf(romeo, roomId, 'm.room.member', juliet.id)).toMatchObject({ join_authorised_via_users_server: romeo.id });
  expect((await tybalt.attempt('POST', roomPath(roomId, 'join'), {})).status).toBe(403);
});

test('a forgotten room is neither listed nor read any more', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom();
  expect((await romeo.attempt('POST', roomPath(roomId, 'forget'), {})).status).toBeGreaterThanOrEqual(400);
  await romeo.leave(roomId);
  await romeo.sync();
  await romeo.call('POST', roomPath(roomId, 'forget'), {});
  expect((await romeo.attempt('GET', roomPath(roomId, 'messages?dir=b'))).status).toBe(403);
  const filter = encodeURIComponent(JSON.stringify({ room: { include_leave: true } }));
  const answer = await romeo.call('GET', `/_matrix/client/v3/sync?filter=${filter}`);
  expect(answer['rooms']).toBeUndefined();
});

test("a redaction that is sent like any event is held to the same rule: others' words need the power", async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const eventId = await romeo.send(roomId, 'hers to read, not to take away');

  const answer = await juliet.attempt('PUT', roomPath(roomId, 'send/m.room.redaction/1'), { redacts: eventId });
  expect([answer.status, answer.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
  expect((await romeo.messages(roomId)).find((event) => event.event_id === eventId)?.content['body']).toBeDefined();
  const own = await juliet.send(roomId, 'a slip');
  await juliet.send(roomId, { redacts: own }, 'm.room.redaction');
  expect((await romeo.messages(roomId)).find((event) => event.event_id === own)?.content).toEqual({});
});
