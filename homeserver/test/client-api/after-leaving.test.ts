import { afterAll, beforeAll, expect, test } from 'vitest';
import { SLIDING_PATH } from '../kit/slide.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { roomPath, syncWith } from './sync-answers.ts';

// biome-ignore lint/suspicious/noExplicitAny: the tests look into any answer
type Json = Record<string, any>;
const V1 = '/_matrix/client/v1';
const V3 = '/_matrix/client/v3';
const enc = encodeURIComponent;
let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(() => server[Symbol.asyncDispose]());

test.each(['leave', 'kick', 'ban'])('S19: after a %s sliding sync tells nothing that the room came to be since', async (way) => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'the ball' });
  await juliet.join(roomId);
  const body = {
    lists: { all: { ranges: [[0, 20]], timeline_limit: 20, required_state: [['*', '*']] } },
    room_subscriptions: { [roomId]: { timeline_limit: 20, required_state: [['*', '*']] } },
    extensions: { typing: { enabled: true }, receipts: { enabled: true }, account_data: { enabled: true } },
  };
  const first = (await juliet.call('POST', SLIDING_PATH, body)) as Json;
  if (way === 'leave') await juliet.leave(roomId);
  else await romeo.call('POST', roomPath(roomId, `/${way}`), { user_id: juliet.id });
  const secret = await romeo.send(roomId, 'now that she is gone');
  await romeo.setState(roomId, 'm.room.name', { name: 'a secret meeting' });
  await romeo.setState(roomId, 'm.room.topic', { topic: 'a secret topic' });
  await romeo.call('PUT', roomPath(roomId, `/typing/${enc(romeo.id)}`), { typing: true, timeout: 60_000 });
  await romeo.call('POST', roomPath(roomId, `/receipt/m.read/${enc(secret)}`), {});

  const next = await juliet.call('POST', `${SLIDING_PATH}?pos=${enc(first['pos'])}`, body);
  const anew = await juliet.call('POST', SLIDING_PATH, body);
  const old = [await syncWith(juliet, {}), await syncWith(juliet, { since: undefined, filter: { room: { include_leave: true } } })];
  const told = JSON.stringify([next, anew, old]);
  expect(told).not.toContain('secret');
  expect(told).not.toContain('now that she is gone');
  expect(told).not.toContain(secret);
});

test('S21: what was redacted is in no thread, relation, notification, context or sync, and neither is what it had been changed to', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const root = await romeo.send(roomId, 'root');
  const mention = { 'm.mentions': { user_ids: [romeo.id] } };
  const said = await juliet.send(roomId, {
    msgtype: 'm.text',
    body: 'regrettable words',
    ...mention,
    'm.relates_to': { rel_type: 'm.thread', event_id: root },
  });
  await juliet.send(roomId, {
    msgtype: 'm.text',
    body: '* regrettable change',
    'm.new_content': { msgtype: 'm.text', body: 'regrettable change' },
    'm.relates_to': { rel_type: 'm.replace', event_id: said },
  });
  const edits = (await romeo.call('GET', `${V1}/rooms/${enc(roomId)}/relations/${enc(said)}/m.replace`)) as Json;
  const edit = String(edits['chunk'][0]['event_id']);
  const notified = async () => JSON.stringify(await romeo.call('GET', `${V3}/notifications`));
  await expect.poll(notified).toContain('regrettable words');
  for (const [n, id] of [edit, said].entries()) await juliet.call('PUT', roomPath(roomId, `/redact/${enc(id)}/t${roomId}${n}`), {});

  const read = await Promise.all([
    romeo.call('GET', roomPath(roomId, `/event/${enc(root)}`)),
    romeo.call('GET', roomPath(roomId, `/event/${enc(said)}`)),
    romeo.call('GET', roomPath(roomId, `/context/${enc(said)}?limit=20`)),
    romeo.call('GET', roomPath(roomId, '/messages?dir=b&limit=50')),
    romeo.call('GET', `${V1}/rooms/${enc(roomId)}/relations/${enc(root)}?recurse=true`),
    romeo.call('GET', `${V1}/rooms/${enc(roomId)}/relations/${enc(said)}`),
    romeo.call('GET', `${V1}/rooms/${enc(roomId)}/threads`),
    romeo.call('GET', `${V3}/notifications`),
    romeo.call('GET', `${V3}/sync`),
    romeo.call('POST', SLIDING_PATH, { lists: { all: { ranges: [[0, 20]], timeline_limit: 20, required_state: [] } } }),
    romeo.call('POST', `${V3}/search`, { search_categories: { room_events: { search_term: 'regrettable' } } }),
  ]);
  for (const [n, answer] of read.entries()) expect(JSON.stringify(answer), `answer ${n}`).not.toContain('regrettable ');
  const rows = await server.sql<{ json: string }[]>`select json from events where event_id = any(${[said, edit]}::text[])`;
  expect(JSON.stringify(rows)).not.toContain('regrettable');
});
