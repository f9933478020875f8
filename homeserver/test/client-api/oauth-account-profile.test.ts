import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { type MailCatcher, startMailCatcher } from '../kit/mail-catcher.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, TEST_PASSWORD, type TestUser } from '../kit/test-user.ts';
import { createPageVisitor, type PageVisitor } from './page-visitor.ts';
import { codeIn, V3 } from './sign-up-steps.ts';

const PROFILE = '/account?action=org.matrix.profile';
const cleanup = createCleanup();
let mail: MailCatcher;
let server: TestServer;
let juliet: TestUser;
beforeAll(async () => {
  mail = cleanup.use(await startMailCatcher());
  server = cleanup.use(await startServer({ config: { smtpUrl: mail.url } }));
  juliet = await server.user('juliet');
  await server.user('romeo');
});
afterAll(() => cleanup.run());

async function visit(username: string): Promise<PageVisitor> {
  const visitor = createPageVisitor(server.url);
  await visitor.open(PROFILE);
  await visitor.submit({ do: 'sign-in', username, password: TEST_PASSWORD });
  return visitor;
}

const addresses = async () =>
  ((await juliet.call('GET', `${V3}/account/3pid`))['threepids'] as { address: string }[]).map(({ address }) => address);

test('a person changes the picture that others see, and takes it away', async () => {
  const visitor = await visit('juliet');
  const bytes = new Uint8Array(
    await sharp({ create: { width: 200, height: 200, channels: 3, background: 'red' } })
      .png()
      .toBuffer(),
  );
  const done = await visitor.upload({ do: 'picture' }, { name: 'picture', fileName: 'me.png', bytes });
  expect(done).toMatchObject({ status: 200, text: expect.stringContaining('This is your picture now') });
  expect(done.headers.get('content-security-policy')).toContain("img-src 'self'");
  const { avatar_url: uri } = await juliet.call('GET', `${V3}/profile/${juliet.id}`);
  expect(uri).toMatch(/^mxc:\/\/hs\.test\//);
  const shown = await fetch(`${server.url}/account/picture`, { headers: { Cookie: visitor.cookie() ?? '' } });
  expect(shown.headers.get('content-type')).toMatch(/^image\//);
  expect((await fetch(`${server.url}/account/picture`)).status).toBe(404);
  await visitor.open(PROFILE);
  await visitor.submit({ do: 'no-picture' });
  expect(await juliet.call('GET', `${V3}/profile/${juliet.id}`)).not.toHaveProperty('avatar_url');
});

test('S43: what is no picture, or too large, or another page’s form, is none', async () => {
  const visitor = await visit('juliet');
  const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
  const refused = await visitor.upload({ do: 'picture' }, { name: 'picture', fileName: 'x.png', bytes: svg });
  expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('no picture of a kind') });
  const huge = await visitor.upload({ do: 'picture' }, { name: 'picture', fileName: 'x.png', bytes: new Uint8Array(9 * 1024 * 1024) });
  expect(huge.status).toBe(413);
  await visitor.open(PROFILE);
  expect((await visitor.submit({ do: 'picture' })).status).toBe(400);
  const forged = await visitor.upload({ do: 'picture', form_token: 'guess' }, { name: 'picture', fileName: 'x.png', bytes: svg });
  expect(forged.status).toBe(403);
  const broken = await fetch(`${server.url}${PROFILE}`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=x', cookie: visitor.cookie() ?? '' },
    body: '--x\r\nnonsense',
  });
  expect(broken.status).toBe(400);
});

test('an address is added with the code from a mail and the password, and removed with the password', async () => {
  const visitor = await visit('juliet');
  const asked = await visitor.submit({ do: 'mail-code', email: 'Juliet@Capulet.test' });
  expect(asked.text).toContain('We have sent a code to Juliet@Capulet.test');
  const code = codeIn((await mail.nextMail('juliet@capulet.test')).text);
  const form = { do: 'add-email', code, password: TEST_PASSWORD };
  expect(await visitor.submit({ ...form, password: 'a guess' })).toMatchObject({ status: 400 });
  expect(await addresses()).toEqual([]);
  const again = await visitor.submit({ do: 'mail-code', email: 'juliet@capulet.test' });
  expect(again.text).toContain('Code from the mail');
  const done = await visitor.submit(form);
  expect(done.text).toContain('is added');
  expect(await addresses()).toEqual(['juliet@capulet.test']);
  expect((await visitor.submit({ do: 'remove-email', email: 'juliet@capulet.test', password: 'a guess' })).status).toBe(400);
  expect(await addresses()).toEqual(['juliet@capulet.test']);
  await visitor.open(PROFILE);
  await visitor.submit({ do: 'remove-email', email: 'juliet@capulet.test', password: TEST_PASSWORD });
  expect(await addresses()).toEqual([]);
});

test('S46: a code that was mailed for one person’s page adds nothing to another’s', async () => {
  const visitor = await visit('romeo');
  const asked = await visitor.submit({ do: 'mail-code', email: 'romeo@montague.test' });
  const code = codeIn((await mail.nextMail('romeo@montague.test')).text);
  const sid = /name="sid" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
  const other = await visit('juliet');
  expect((await other.submit({ do: 'add-email', sid, code, password: TEST_PASSWORD })).status).toBe(400);
  expect((await visitor.submit({ do: 'add-email', code: '000000', password: TEST_PASSWORD })).status).toBe(400);
  expect(await addresses()).toEqual([]);
  expect(
    (
      await callServer(server.url, 'POST', `${V3}/account/password/email/requestToken`, {
        client_secret: 'x',
        email: 'romeo@montague.test',
        send_attempt: 1,
      })
    ).status,
  ).toBe(200);
});
