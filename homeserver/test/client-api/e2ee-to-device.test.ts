import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { logInTestUser, type TestUser } from '../kit/test-user.ts';
import { V3 } from './sign-up-steps.ts';

type ToDevice = { type: string; sender: string; content: Record<string, unknown> };
const send = (from: TestUser, txnId: string, messages: object, type = 'm.secret') =>
  from.attempt('PUT', `${V3}/sendToDevice/${type}/${txnId}`, { messages });
const received = async (user: TestUser, since?: string): Promise<ToDevice[]> => {
  const body = await user.sync(since === undefined ? {} : { since });
  return ((body['to_device'] as { events?: ToDevice[] } | undefined)?.events ?? []) as ToDevice[];
};

test('a message reaches the devices it is for, in order, and every device by a star', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const phone = await server.user('juliet');
  const laptop = await logInTestUser(server.url, 'juliet');
  await send(romeo, '1', { [phone.id]: { [phone.deviceId]: { n: 1 } } });
  await send(romeo, '2', { [phone.id]: { '*': { n: 2 }, [laptop.deviceId]: { n: 3 } }, '@nobody:hs.test': { '*': {} } });
  expect((await received(phone)).map(({ content }) => content['n'])).toEqual([1, 2]);
  expect(await received(laptop)).toEqual([{ type: 'm.secret', sender: romeo.id, content: { n: 3 } }]);
});

test('a message is kept until the device comes back with the token after it', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const start = String((await juliet.sync())['next_batch']);
  await send(romeo, '1', { [juliet.id]: { [juliet.deviceId]: { n: 1 } } });
  expect(await received(juliet, start)).toHaveLength(1);
  expect(await received(juliet, start)).toHaveLength(1);
  await server.restart();
  expect(await received(juliet, start)).toHaveLength(1);
  expect(await received(juliet)).toHaveLength(0);
  const [row] = await server.sql`select count(*) as count from to_device_messages`;
  expect(row?.['count']).toBe(0);
});

test('the same transaction is sent once, also at the same time', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const messages = { [juliet.id]: { '*': { n: 1 } } };
  await Promise.all(Array.from({ length: 5 }, () => send(romeo, 'same', messages)));
  await send(romeo, 'same', messages);
  expect(await received(juliet)).toHaveLength(1);
});

test('a waiting sync is woken by a message to its device', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  await romeo.createRoom(); // the log is not empty
  await juliet.sync();
  const waiting = juliet.sync({ timeoutMs: 20_000 });
  await send(romeo, '1', { [juliet.id]: { [juliet.deviceId]: { n: 1 } } });
  expect(await waiting).toMatchObject({ to_device: { events: [{ content: { n: 1 } }] } });
});

test('a flood of messages comes in portions, none lost', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  await juliet.sync();
  for (let n = 0; n < 250; n += 1) await send(romeo, `t${n}`, { [juliet.id]: { [juliet.deviceId]: { n } } });
  const all: unknown[] = [];
  for (let part = await received(juliet); part.length > 0; part = await received(juliet))
    all.push(...part.map(({ content }) => content['n']));
  expect(all).toEqual(Array.from({ length: 250 }, (_, n) => n));
});

test('a syncing device with nothing waiting costs no SQL about messages', async () => {
  await using server = await startServer();
  const juliet = await server.user('juliet');
  for (let i = 0; i < 3; i += 1) await juliet.sync();
  server.queries.length = 0;
  await juliet.sync();
  expect(server.queries.filter((query) => /to_device|one_time|fallback|device_list/.test(query))).toEqual([]);
});
