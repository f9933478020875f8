import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { logInTestUser, type TestUser } from '../kit/test-user.ts';
import { type PushGateway, startPushGateway } from './push-gateway.ts';
import { inThread, readUnread, setRule } from './unread-counts.ts';

const RULES = '/_matrix/client/v3/pushrules/global';
let server: TestServer;
let gateway: PushGateway;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  server = await startServer();
  gateway = await startPushGateway();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
});

/** A room of three people, two of whom no other scene knows. */
async function enter(): Promise<string> {
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  await (await server.user('nurse')).join(roomId);
  return roomId;
}

const enable = (user: TestUser, rule: string, enabled = true) => user.call('PUT', `${RULES}/${rule}/enabled`, { enabled });

test('a pusher is turned off and on from another device, and stays that of its own', async () => {
  const roomId = await enter();
  const web = await logInTestUser(server.url, juliet.localpart);
  const pushkey = `key of ${juliet.localpart}`;
  const pusher = {
    ...{ pushkey, kind: 'http', app_id: 'app', app_display_name: 'App', device_display_name: 'Phone', lang: 'en' },
    data: { url: gateway.url },
  };
  const set = (user: TestUser, more: object = {}) => user.call('POST', '/_matrix/client/v3/pushers/set', { ...pusher, ...more });
  const list = async () => (await web.call('GET', '/_matrix/client/v3/pushers'))['pushers'];
  await set(juliet);
  expect(await list()).toMatchObject([{ pushkey, 'org.matrix.msc3881.enabled': true, 'org.matrix.msc3881.device_id': juliet.deviceId }]);

  await set(web, { 'org.matrix.msc3881.enabled': false });
  expect(await list()).toMatchObject([{ pushkey, 'org.matrix.msc3881.enabled': false, 'org.matrix.msc3881.device_id': juliet.deviceId }]);
  await romeo.send(roomId, 'nobody hears');
  await expect.poll(() => readUnread(juliet, roomId)).toMatchObject({ main: { notification_count: 1 } });
  await set(web, { 'org.matrix.msc3881.enabled': true });
  const heard = await romeo.send(roomId, 'she hears');
  const pushes = () => gateway.received.filter(({ notification: { devices } }) => devices.some((device) => device['pushkey'] === pushkey));
  await expect.poll(() => pushes().map(({ notification }) => notification['event_id']), { timeout: 10_000 }).toEqual([heard]);
  const { unstable_features } = await web.call('GET', '/_matrix/client/versions');
  expect(unstable_features).toMatchObject({ 'org.matrix.msc3881': true, 'org.matrix.msc4028': true, 'org.matrix.msc4306': true });
});

test('who wants all that is encrypted is told of it also in a room of mentions only, but not in one that is muted', async () => {
  const roomId = await enter();
  await setRule(juliet, 'room', roomId, { actions: [] });
  const say = () => romeo.send(roomId, { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'x' }, 'm.room.encrypted');
  await say();
  await enable(juliet, 'override/.org.matrix.msc4028.encrypted_event');
  await say();
  await expect.poll(() => readUnread(juliet, roomId)).toMatchObject({ main: { notification_count: 1 } });
  const conditions = [{ kind: 'event_match', key: 'room_id', pattern: roomId }];
  await setRule(juliet, 'override', roomId, { conditions, actions: [] });
  await say();
  await romeo.send(roomId, 'and this');
  expect((await readUnread(juliet, roomId)).main.notification_count).toBe(1);
});

test('who turns it on hears of the threads they follow, and of no others but where they are mentioned', async () => {
  const roomId = await enter();
  for (const rule of ['subscribed', 'unsubscribed']) await enable(juliet, `postcontent/.io.element.msc4306.rule.${rule}_thread`);
  const [followed, other] = [await romeo.send(roomId, 'one'), await romeo.send(roomId, 'two')];
  const path = `/_matrix/client/unstable/io.element.msc4306/rooms/${encodeURIComponent(roomId)}/thread/${encodeURIComponent(followed)}/subscription`;
  await juliet.call('PUT', path, {});
  await romeo.send(roomId, inThread(followed, 'heard'));
  await romeo.send(roomId, inThread(other, 'unheard'));
  await romeo.send(roomId, { ...inThread(other, 'Juliet!'), 'm.mentions': { user_ids: [juliet.id] } });
  const expected = {
    main: { notification_count: 2, highlight_count: 0 },
    threads: {
      [followed]: { notification_count: 1, highlight_count: 0 },
      [other]: { notification_count: 1, highlight_count: 1 },
    },
  };
  await expect.poll(() => readUnread(juliet, roomId)).toEqual(expected);

  await setRule(juliet, 'room', roomId, { actions: [] });
  await romeo.send(roomId, inThread(followed, 'heard though the room is silent'));
  await romeo.send(roomId, 'unheard');
  await expect.poll(async () => (await readUnread(juliet, roomId)).threads[followed]?.notification_count).toBe(2);
  await juliet.call('DELETE', path);
  await romeo.send(roomId, inThread(followed, 'unheard'));
  await romeo.send(roomId, { msgtype: 'm.text', body: 'Juliet!', 'm.mentions': { user_ids: [juliet.id] } });
  await expect.poll(async () => (await readUnread(juliet, roomId)).main.highlight_count).toBe(1);
  expect((await readUnread(juliet, roomId)).threads[followed]?.notification_count).toBe(2);
  const own = await juliet.attempt('PUT', `${RULES}/postcontent/mine`, { actions: ['notify'], conditions: [] });
  expect(own).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
});

test('a call that names somebody is a highlight to them', async () => {
  const roomId = await enter();
  const ring = { notification_type: 'ring', lifetime: 30_000, sender_ts: Date.now() };
  await romeo.send(roomId, { ...ring, 'm.mentions': { user_ids: [juliet.id] } }, 'org.matrix.msc4075.rtc.notification');
  await expect.poll(() => readUnread(juliet, roomId)).toMatchObject({ main: { notification_count: 1, highlight_count: 1 } });
});
