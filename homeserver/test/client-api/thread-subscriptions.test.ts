import { expect, test } from 'vitest';
import { slide } from '../kit/slide.ts';
import { startServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

const UNSTABLE = '/_matrix/client/unstable';
const subscription = (roomId: string, root: string) =>
  `${UNSTABLE}/io.element.msc4306/rooms/${encodeURIComponent(roomId)}/thread/${encodeURIComponent(root)}/subscription`;
const CHANGES = `${UNSTABLE}/io.element.msc4308/thread_subscriptions`;
const EXTENSION = 'io.element.msc4308.thread_subscriptions';

const reply = (user: TestUser, roomId: string, root: string) =>
  user.send(roomId, { msgtype: 'm.text', body: 'reply', 'm.relates_to': { rel_type: 'm.thread', event_id: root } });

async function startThread(romeo: TestUser) {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const root = await romeo.send(roomId, 'root');
  return { roomId, root, path: subscription(roomId, root) };
}

async function slideThreads(user: TestUser, from?: string) {
  const { pos, extensions } = await slide(user, { extensions: { [EXTENSION]: { enabled: true, limit: 2 } } }, from);
  return { pos, threads: extensions?.[EXTENSION] };
}

test('a thread is followed by hand or automatically, and no more', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const { roomId, root, path } = await startThread(romeo);
  const cause = await reply(romeo, roomId, root);

  expect((await romeo.attempt('GET', path)).status).toBe(404);
  expect(await romeo.call('PUT', path, { automatic: cause })).toEqual({});
  expect(await romeo.call('GET', path)).toEqual({ automatic: true });
  await romeo.call('PUT', path, {});
  expect(await romeo.call('GET', path)).toEqual({ automatic: false });
  await romeo.call('PUT', path, { automatic: cause });
  expect(await romeo.call('GET', path), 'what was decided by hand stays').toEqual({ automatic: false });
  expect(await romeo.call('DELETE', path)).toEqual({});
  expect((await romeo.attempt('GET', path)).body['errcode']).toBe('M_NOT_FOUND');

  const late = await romeo.attempt('PUT', path, { automatic: cause });
  expect(late).toMatchObject({ status: 409, body: { errcode: 'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION' } });
  const newer = await reply(romeo, roomId, root);
  await romeo.call('PUT', path, { automatic: newer });
  expect(await romeo.call('GET', path)).toEqual({ automatic: true });
});

test('a thread that one may not see, or that does not hold the event, is refused', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const { roomId, root, path } = await startThread(romeo);
  const outside = await romeo.send(roomId, 'not in the thread');

  expect((await juliet.attempt('PUT', path, {})).body['errcode']).toBe('M_NOT_FOUND');
  expect((await juliet.attempt('DELETE', path)).body['errcode']).toBe('M_NOT_FOUND');
  for (const automatic of [outside, root]) {
    const answer = await romeo.attempt('PUT', path, { automatic });
    expect(answer).toMatchObject({ status: 400, body: { errcode: 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD' } });
  }
  expect((await romeo.attempt('PUT', subscription(roomId, '$unknown'), {})).status).toBe(404);
  expect((await romeo.attempt('PUT', path, { automatic: 7 })).status).toBe(400);
  expect((await romeo.attempt('GET', path)).status).toBe(404);
});

test('changes are listed the newest first, page by page, and come by sliding sync', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const { roomId, root, path } = await startThread(romeo);
  const others = [await romeo.send(roomId, 'second root'), await romeo.send(roomId, 'third root')] as const;

  const start = await slideThreads(romeo);
  expect(start.threads).toEqual({});
  await romeo.call('PUT', path, {});
  for (const other of others) await romeo.call('PUT', subscription(roomId, other), {});
  const first = await slideThreads(romeo, start.pos);
  expect(first.threads).toMatchObject({
    subscribed: { [roomId]: { [others[0]]: { automatic: false }, [others[1]]: { automatic: false } } },
  });
  const { prev_batch: from } = first.threads as { prev_batch: string };
  expect(await romeo.call('GET', `${CHANGES}?dir=b&from=${from}`)).toMatchObject({
    subscribed: { [roomId]: { [root]: { automatic: false } } },
  });

  await romeo.call('DELETE', path);
  const second = await slideThreads(romeo, first.pos);
  expect(second.threads).toMatchObject({ unsubscribed: { [roomId]: { [root]: { bump_stamp: expect.any(Number) } } } });
  expect((await slideThreads(romeo, second.pos)).threads).toEqual({});

  const page = await romeo.call('GET', `${CHANGES}?limit=1`);
  expect(page).toMatchObject({ unsubscribed: { [roomId]: { [root]: {} } }, end: expect.any(String) });
  const rest = await romeo.call('GET', `${CHANGES}?from=${String(page['end'])}`);
  expect(Object.keys((rest['subscribed'] as Record<string, object>)[roomId] ?? {})).toHaveLength(2);
  expect(rest).not.toHaveProperty('end');
  expect((await romeo.attempt('GET', `${CHANGES}?dir=f`)).body['errcode']).toBe('M_INVALID_PARAM');
  expect((await romeo.attempt('GET', `${CHANGES}?from=nonsense`)).body['errcode']).toBe('M_INVALID_PARAM');
});
