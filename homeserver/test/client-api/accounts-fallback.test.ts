import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { callServer } from '../kit/test-user.ts';
import { PASSWORD, V3 } from './sign-up-steps.ts';

const STAGE = 'm.login.registration_token';

test('a client without a field for the registration token sends the person to a page', async () => {
  await using server = await startServer({ config: { registration: 'token' } });
  await server.sql`insert into registration_tokens (token, uses_allowed) values ('montague', 1)`;
  const body = { username: 'romeo', password: PASSWORD };
  const { body: question } = await callServer(server.url, 'POST', `${V3}/register`, body);
  const session = String(question['session']);
  const page = `${server.url}${V3}/auth/${STAGE}/fallback/web?session=${session}`;
  expect(await (await fetch(page)).text()).toContain('Registration token');

  const wrong = await fetch(page, { method: 'POST', body: new URLSearchParams({ token: 'capulet' }) });
  expect(wrong.status).toBe(400);
  const done = await fetch(page, { method: 'POST', body: new URLSearchParams({ token: 'montague' }) });
  expect(done.status).toBe(200);
  expect(await done.text()).toContain('onAuthDone');
  expect((await callServer(server.url, 'POST', `${V3}/register`, { ...body, auth: { session } })).status).toBe(200);
});

test('S48: nothing of a request becomes part of a page, and only our own script may run', async () => {
  await using server = await startServer({ config: { registration: 'token' } });
  const evil = encodeURIComponent('"><script>alert(1)</script>');
  const page = `${server.url}${V3}/auth/${STAGE}/fallback/web?session=${evil}`;
  for (const request of [{}, { method: 'POST', body: new URLSearchParams({ token: '"><script>alert(1)</script>' }) }]) {
    const answer = await fetch(page, request);
    expect(await answer.text()).not.toContain('alert(1)');
    expect(answer.headers.get('content-security-policy')).not.toContain("script-src 'unsafe-inline'");
  }
  expect((await fetch(`${server.url}${V3}/auth/m.login.password/fallback/web?session=x`)).status).toBe(404);
  const huge = await fetch(page, { method: 'POST', body: new URLSearchParams({ token: 'x'.repeat(10_000) }) });
  expect(huge.status).toBe(413);
});
