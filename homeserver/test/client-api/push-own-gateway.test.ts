import { createPublicKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { createTestCa } from '../kit/test-ca.ts';
import type { TestUser } from '../kit/test-user.ts';
import { meet, sendReceipt } from './ephemeral-events.ts';
import { agentTo, createSubscription, startPushService, writeServiceAccount } from './push-services.ts';

const PUSHERS = '/_matrix/client/v3/pushers';

type OwnPush = { url: string; app_ids: string[]; vapid_public_key: string };

async function ownPushOf(user: TestUser): Promise<OwnPush> {
  const { capabilities } = await user.call('GET', '/_matrix/client/v3/capabilities');
  return (capabilities as Record<string, unknown>)['chat.blinkchat.push'] as OwnPush;
}

function setPusher(user: TestUser, appId: string, pushkey: string, data: Record<string, unknown>) {
  const names = { app_display_name: 'BlinkChat', device_display_name: 'phone', lang: 'en' };
  return user.attempt('POST', `${PUSHERS}/set`, { kind: 'http', app_id: appId, pushkey, data, ...names });
}

test('the browser of these tests reads the example of RFC 8291', () => {
  const browser = createSubscription({ privateKey: 'q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94', auth: 'BTBZMqHH6r4Tts7J_aSIgg' });
  const example =
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN';
  expect(browser.decrypt(Buffer.from(example, 'base64url'))).toBe('When I grow up, I want to be a watermelon');
});

test('a browser is pushed to, by a message only it can read, that tells the ids of the event and nothing of its content', async () => {
  await using ca = await createTestCa();
  await using service = await startPushService(ca, ['127.0.0.1']);
  await using server = await startServer({ config: { outboundCa: ca.caFile, pushVapidSubject: 'mailto:nurse@verona.example' } });
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const { url, app_ids: appIds, vapid_public_key: publicKey } = await ownPushOf(juliet);
  expect(appIds).toEqual(['chat.blinkchat.web']);
  const browser = createSubscription();
  const data = { url, endpoint: `${service.url}/subscriptions/1`, auth: browser.auth };
  expect((await setPusher(juliet, 'chat.blinkchat.web', browser.p256dh, data)).status).toBe(200);

  const eventId = await romeo.send(roomId, 'But soft!');
  const { path, headers, body } = await service.next();
  expect(path).toBe('/subscriptions/1');
  expect(headers).toMatchObject({ 'content-encoding': 'aes128gcm', ttl: '86400', urgency: 'high' });
  expect(browser.read(body)).toEqual({ event_id: eventId, room_id: roomId, unread: 1, prio: 'high' });

  const [, token = '', key = ''] = /^vapid t=(\S+), k=(\S+)$/.exec(headers.authorization ?? '') ?? [];
  expect(key).toBe(publicKey);
  const point = Buffer.from(key, 'base64url');
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
  const { payload } = await jwtVerify(token, createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } }));
  expect(payload).toMatchObject({ aud: service.url, sub: 'mailto:nurse@verona.example' });

  await sendReceipt(juliet, roomId, eventId);
  expect(browser.read((await service.next()).body)).toEqual({ unread: 0, prio: 'low' });
  await server.restart();
  expect((await ownPushOf(juliet)).vapid_public_key).toBe(publicKey);
});

test('a subscription that is gone is removed; one that is out of order for a while is tried again', async () => {
  await using ca = await createTestCa();
  await using service = await startPushService(ca, ['127.0.0.1']);
  await using server = await startServer({ config: { outboundCa: ca.caFile } });
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const { url } = await ownPushOf(juliet);
  const browser = createSubscription();
  await setPusher(juliet, 'chat.blinkchat.web', browser.p256dh, { url, endpoint: service.url, auth: browser.auth });

  service.answer.status = 503;
  const eventId = await romeo.send(roomId, 'hello?');
  await service.next();
  service.answer.status = 201;
  expect(browser.read((await service.next()).body)).toMatchObject({ event_id: eventId });

  service.answer.status = 410;
  await romeo.send(roomId, 'gone');
  await expect.poll(async () => (await juliet.call('GET', PUSHERS))['pushers'], { timeout: 10_000 }).toEqual([]);
});

test('subscriptions that cannot be served are refused, and so are apps that nobody reaches', async () => {
  await using server = await startServer();
  const juliet = await server.user('juliet');
  const { url } = await ownPushOf(juliet);
  const { p256dh, auth } = createSubscription();
  const endpoint = 'https://push.example.org/1';
  const refused = { status: 400, body: { errcode: 'M_INVALID_PARAM' } };
  expect(await setPusher(juliet, 'chat.blinkchat.web', 'short', { url, endpoint, auth })).toMatchObject(refused);
  expect(await setPusher(juliet, 'chat.blinkchat.web', p256dh, { url, endpoint: 'http://push.example.org/1', auth })).toMatchObject(
    refused,
  );
  expect(await setPusher(juliet, 'chat.blinkchat.web', p256dh, { url, endpoint })).toMatchObject(refused);
  expect(await setPusher(juliet, 'chat.blinkchat.android', 'token', { url })).toMatchObject(refused);
});

test('S38: a subscription does not lead to private addresses', async () => {
  await using ca = await createTestCa();
  await using service = await startPushService(ca, ['127.0.0.1']);
  await using server = await startServer({ config: { outboundAllow: [], outboundCa: ca.caFile } });
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const { url } = await ownPushOf(juliet);
  const { p256dh, auth } = createSubscription();
  await setPusher(juliet, 'chat.blinkchat.web', p256dh, { url, endpoint: service.url, auth });
  let isAsked = false;
  void service.next().then(() => {
    isAsked = true;
  });
  await romeo.send(roomId, 'psst');
  await expect.poll(async () => (await server.sql`select 1 from push_outbox`).length, { timeout: 10_000 }).toBe(1);
  await server.restart();
  expect(isAsked).toBe(false);
});

test('a phone is pushed to by Firebase, as the service account, until its token is no longer registered', async () => {
  await using ca = await createTestCa();
  await using service = await startPushService(ca, ['127.0.0.1', 'fcm.googleapis.com']);
  const dir = await mkdtemp(join(tmpdir(), 'bct-fcm-'));
  const account = await writeServiceAccount(join(dir, 'account.json'), `${service.url}/token`);
  await using server = await startServer({
    config: { outboundCa: ca.caFile, pushFcmCredentials: account.file },
    fcmAgent: await agentTo(service, ca),
  });
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const { url, app_ids: appIds } = await ownPushOf(juliet);
  expect(appIds).toContain('chat.blinkchat.android');
  await setPusher(juliet, 'chat.blinkchat.android', 'token-1', { url });

  const eventId = await romeo.send(roomId, 'But soft!');
  const asked = await service.next();
  expect(asked.path).toBe('/token');
  const assertion = new URLSearchParams(asked.body.toString()).get('assertion') ?? '';
  const { payload } = await jwtVerify(assertion, account.publicKey, { audience: `${service.url}/token`, issuer: 'nurse@verona.example' });
  expect(payload['scope']).toBe('https://www.googleapis.com/auth/firebase.messaging');

  const pushed = await service.next();
  expect(pushed.path).toBe('/v1/projects/verona/messages:send');
  expect(pushed.headers.authorization).toBe('Bearer wherefore');
  const { message } = JSON.parse(pushed.body.toString());
  expect(message).toMatchObject({
    token: 'token-1',
    data: { event_id: eventId, room_id: roomId, unread: '1', prio: 'high' },
    android: { priority: 'high' },
  });
  expect(pushed.body.toString()).not.toContain('soft');

  const details = [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: 'UNREGISTERED' }];
  Object.assign(service.answer, { status: 404, body: { error: { code: 404, status: 'NOT_FOUND', message: 'gone', details } } });
  await romeo.send(roomId, 'gone');
  await expect.poll(async () => (await juliet.call('GET', PUSHERS))['pushers'], { timeout: 10_000 }).toEqual([]);
  await rm(dir, { recursive: true, force: true });
});
