import { createMatrixClient } from 'client/matrix/create-matrix-client.ts';
import { RequestError } from 'client/matrix/http/request-error.ts';
import { discoverHomeserver } from 'client/matrix/session/discover-homeserver.ts';
import { loginWithPassword } from 'client/matrix/session/login.ts';
import type { Session } from 'client/matrix/session/session.ts';
import { startRegistration } from 'client/matrix/session/start-registration.ts';
import { startMailCatcher } from 'homeserver/test/kit/mail-catcher.ts';
import { startServer } from 'homeserver/test/kit/start-server.ts';
import { expect, test } from 'vitest';
import { nodePlatform, PASSWORD, signUp, waitFor } from './kit/node-client.ts';

test('signing up asks for an address and the code that was mailed to it; a wrong code can be corrected', async () => {
  await using mail = await startMailCatcher();
  await using server = await startServer({ config: { registration: 'email', smtpUrl: mail.url } });
  const homeserver = await discoverHomeserver(fetch, server.url);
  expect(homeserver).toMatchObject({ baseUrl: server.url, loginTypes: expect.arrayContaining(['m.login.password']) });

  const account = { fetch, homeserverUrl: homeserver.baseUrl, username: 'romeo', password: PASSWORD, deviceName: 'Node' };
  const registration = await startRegistration(account);
  expect(registration.step()).toEqual({ step: 'email' });
  const asked = await registration.sendEmailCode('romeo@montague.example');
  expect(asked).toEqual({ step: 'email-code', address: 'romeo@montague.example', byLink: false });
  const code = /\b\d{3} ?\d{3}\b/.exec((await mail.nextMail('romeo@montague.example')).text ?? '')?.[0] ?? '';
  const wrong = code.startsWith('1') ? '222222' : '111111';
  await expect(registration.submitEmailCode(wrong)).rejects.toThrow(RequestError);
  const done = await registration.submitEmailCode(code);
  expect(done).toMatchObject({ step: 'done', session: { userId: '@romeo:hs.test', homeserverUrl: server.url } });

  await expect(startRegistration(account)).rejects.toMatchObject({ errcode: 'M_USER_IN_USE' });
  await expect(loginWithPassword({ ...account, user: 'romeo', password: 'a wrong one' })).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  expect(await loginWithPassword({ ...account, user: '@romeo:hs.test' })).toMatchObject({ userId: '@romeo:hs.test' });
});

test('an access token that ran out is renewed on the way, and a log-out elsewhere is told', async () => {
  await using server = await startServer();
  await using first = await signUp(server.url, 'romeo');
  const { accessToken: _old, ...tokens } = first.session.tokens;
  const sessions: Session[] = [];
  const stale = { ...first.session, tokens: { ...tokens, accessToken: 'stale', expiresAtMs: 0 } };
  const client = createMatrixClient({
    session: stale,
    platform: nodePlatform({ hasIndexedDb: false }),
    onSessionChanged: (session) => void sessions.push(session),
  });
  expect(await client.loadProfile(first.userId)).toMatchObject({ displayName: 'romeo' });
  expect(await client.encryption.listDevices()).toMatchObject([{ deviceId: first.deviceId, isOwnDevice: true }]);
  expect(sessions).toMatchObject([{ userId: first.userId, tokens: { accessToken: expect.not.stringMatching('stale') } }]);

  await using second = await signUp(server.url, 'juliet');
  await waitFor(second.syncStatus, ({ state }) => state === 'live');
  const again = createMatrixClient({
    session: second.session,
    platform: nodePlatform({ hasIndexedDb: false }),
    onSessionChanged: () => undefined,
  });
  await again.logout();
  await waitFor(second.syncStatus, ({ state }) => state === 'logged-out');
});
