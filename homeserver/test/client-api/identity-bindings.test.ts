import { parseXMatrix } from 'federation-spec/signing/x-matrix.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startMailCatcher } from '../kit/mail-catcher.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { createTestCa, type TestCa } from '../kit/test-ca.ts';
import { callServer, TEST_PASSWORD, type TestUser } from '../kit/test-user.ts';
import { type IdentityServer, startIdentityServer } from './identity-server.ts';
import { codeIn, requestCode, V3 } from './sign-up-steps.ts';

let ca: TestCa;
let identity: IdentityServer;
let server: TestServer;
let romeo: TestUser;
beforeAll(async () => {
  ca = await createTestCa();
  identity = await startIdentityServer(ca);
  server = await startServer({ config: { outboundCa: ca.caFile, identityServers: [identity.name] } });
  romeo = await server.user('romeo');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await identity[Symbol.asyncDispose]();
  await ca[Symbol.asyncDispose]();
});
beforeEach(() => {
  identity.asked.length = 0;
  identity.answer.status = 200;
  identity.answer.body = { medium: 'email', address: 'romeo@montague.test', mxid: '@romeo:hs.test' };
});

const PID = `${V3}/account/3pid`;
const ADDRESS = { medium: 'email', address: 'romeo@montague.test' };
const bind = (user: TestUser, change: object = {}) =>
  user.attempt('POST', `${PID}/bind`, { client_secret: 'sekret', sid: '1', id_server: identity.name, id_access_token: 'token', ...change });

test('an address is published with the person’s own token, and taken back with our signature, wherever it was', async () => {
  expect(await bind(romeo)).toMatchObject({ status: 200, body: {} });
  expect(identity.asked).toEqual([
    {
      path: '/_matrix/identity/v2/3pid/bind',
      authorization: 'Bearer token',
      body: { sid: '1', client_secret: 'sekret', mxid: romeo.id },
    },
  ]);
  expect(await romeo.call('POST', `${PID}/unbind`, ADDRESS)).toEqual({ id_server_unbind_result: 'success' });
  const unbind = identity.asked[1];
  expect(unbind).toMatchObject({ path: '/_matrix/identity/v2/3pid/unbind', body: { mxid: romeo.id, threepid: ADDRESS } });
  expect(parseXMatrix(unbind?.authorization ?? '')).toMatchObject({ origin: 'hs.test', destination: identity.name });
  expect(await romeo.call('POST', `${PID}/unbind`, ADDRESS)).toEqual({ id_server_unbind_result: 'no-support' });
  expect(identity.asked).toHaveLength(2);
});

test('what the identity server refuses is told by its code, and what it cannot do is told as that', async () => {
  identity.answer.status = 403;
  identity.answer.body = { errcode: 'M_SESSION_NOT_VALIDATED', error: '<b>its own words</b>' };
  const refused = await bind(romeo);
  expect(refused).toMatchObject({ status: 400, body: { errcode: 'M_SESSION_NOT_VALIDATED' } });
  expect(refused.body['error']).not.toContain('its own words');
  identity.answer.status = 500;
  expect((await bind(romeo)).status).toBe(502);
  identity.answer.status = 404;
  expect(await romeo.call('POST', `${PID}/unbind`, { ...ADDRESS, id_server: identity.name })).toEqual({
    id_server_unbind_result: 'no-support',
  });
  expect((await bind(romeo, { id_access_token: undefined })).body['errcode']).toBe('M_MISSING_PARAM');
});

test('S38: only the identity servers that are allowed are asked', async () => {
  for (const id_server of ['evil.test', '169.254.169.254', 'localhost:1']) {
    expect(await bind(romeo, { id_server })).toMatchObject({ status: 400, body: { errcode: 'M_SERVER_NOT_TRUSTED' } });
  }
  expect((await bind(romeo, { id_server: 'no name/at all' })).body['errcode']).toBe('M_INVALID_PARAM');
  await using open = await startServer({ config: { outboundCa: ca.caFile, outboundAllow: [] } });
  const juliet = await open.user('juliet');
  expect((await bind(juliet)).status).toBe(502);
  expect(identity.asked).toEqual([]);
});

test('who leaves for ever is forgotten by identity servers too', async () => {
  const tybalt = await server.user('tybalt');
  await bind(tybalt);
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: tybalt.localpart }, password: TEST_PASSWORD };
  expect(await tybalt.call('POST', `${V3}/account/deactivate`, { auth })).toEqual({ id_server_unbind_result: 'success' });
  expect(identity.asked[1]).toMatchObject({ body: { mxid: tybalt.id } });
});

test('an address belongs to one account; it is listed, removed, and then free', async () => {
  await using mail = await startMailCatcher();
  await using own = await startServer({ config: { smtpUrl: mail.url } });
  const [one, two] = [await own.user('one'), await own.user('two')];
  const add = async (user: TestUser, localpart: string, secret: string) => {
    const { sid, submitPath } = await requestCode(own.url, 'account/3pid', 'both@verona.test', secret);
    const token = codeIn((await mail.nextMail('both@verona.test')).text);
    await callServer(own.url, 'POST', submitPath, { sid, client_secret: secret, token });
    const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: localpart }, password: TEST_PASSWORD };
    return () => user.attempt('POST', `${PID}/add`, { sid, client_secret: secret, auth });
  };
  const [first, second] = [await add(one, 'one', 'a'), await add(two, 'two', 'b')];
  expect((await first()).status).toBe(200);
  expect(await second()).toMatchObject({ status: 400, body: { errcode: 'M_THREEPID_IN_USE' } });
  expect((await one.call('GET', PID))['threepids']).toMatchObject([{ medium: 'email', address: 'both@verona.test' }]);
  const removed = await one.call('POST', `${PID}/delete`, { medium: 'email', address: 'Both@Verona.test' });
  expect(removed).toEqual({ id_server_unbind_result: 'no-support' });
  expect(await one.call('GET', PID)).toEqual({ threepids: [] });
  expect((await second()).status).toBe(200);
});

test('S31: text messages are not sent, and fields that are too long or wrong are refused', async () => {
  const phone = { client_secret: 'sekret', country: 'IT', phone_number: '5550100', send_attempt: 1 };
  expect((await callServer(server.url, 'POST', `${PID}/msisdn/requestToken`, phone)).body['errcode']).toBe(
    'M_THREEPID_MEDIUM_NOT_SUPPORTED',
  );
  for (const kind of ['register', 'account/password']) {
    expect((await callServer(server.url, 'POST', `${V3}/${kind}/msisdn/requestToken`, phone)).body['errcode']).toBe('M_THREEPID_DENIED');
  }
  const mail = (change: object) =>
    callServer(server.url, 'POST', `${PID}/email/requestToken`, { client_secret: 'sekret', email: 'a@b.test', send_attempt: 1, ...change });
  expect((await mail({ client_secret: 'x'.repeat(256) })).status).toBe(400);
  expect((await mail({ client_secret: 'not allowed!' })).status).toBe(400);
  expect((await mail({ email: `${'x'.repeat(300)}@b.test` })).body['errcode']).toBe('M_INVALID_PARAM');
  expect((await mail({ email: 'a@b.test\nBcc: c@d.test' })).body['errcode']).toBe('M_INVALID_PARAM');
});
