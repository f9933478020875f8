import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { placeMedia, readMedia, uploadMedia } from './media-client.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const clock = createFakeClock();
let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
beforeAll(async () => {
  server = await startServer({ clock, config: { mediaQuotaBytes: 100_000, maxUploadBytes: 60_000 } });
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(() => server[Symbol.asyncDispose]());

async function announce(user: TestUser): Promise<{ place: string; expiresAt: number }> {
  const { content_uri: uri, unused_expires_at: expiresAt } = await user.call('POST', '/_matrix/media/v1/create', {});
  return { place: String(uri).slice('mxc://'.length), expiresAt: Number(expiresAt) };
}

async function fill(
  user: TestUser,
  place: string,
  body: string,
  fileName?: string,
): Promise<{ status: number; errcode: string | undefined }> {
  const query = fileName === undefined ? '' : `?filename=${encodeURIComponent(fileName)}`;
  const answer = await fetch(`${server.url}/_matrix/media/v3/upload/${place}${query}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${user.accessToken}`, 'content-type': 'text/plain' },
    body,
  });
  return { status: answer.status, errcode: ((await answer.json()) as { errcode?: string }).errcode };
}

describe('an announced upload', () => {
  test('who reads it early waits for it', async () => {
    const { place, expiresAt } = await announce(romeo);
    expect(expiresAt).toBe(clock.now() + DAY_MS);
    const early = readMedia(server, juliet, `download/${place}?timeout_ms=20000`);
    const impatient = await readMedia(server, juliet, `download/${place}?timeout_ms=0`);
    expect([impatient.status, await impatient.json()]).toEqual([504, expect.objectContaining({ errcode: 'M_NOT_YET_UPLOADED' })]);
    expect((await fill(romeo, place, 'here it is', 'rose.txt')).status).toBe(200);
    const answer = await early;
    expect([answer.status, await answer.text()]).toEqual([200, 'here it is']);
    expect(answer.headers.get('content-disposition')).toBe('inline; filename="rose.txt"');
  });

  test('is filled once, also when two try at once', async () => {
    const { place } = await announce(romeo);
    const answers = await Promise.all(['one', 'two', 'three'].map((body) => fill(romeo, place, body)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409, 409]);
    expect(await fill(romeo, place, 'again')).toEqual({ status: 409, errcode: 'M_CANNOT_OVERWRITE_MEDIA' });
  });

  test('is nobody else’s, and must have been announced', async () => {
    const { place } = await announce(romeo);
    expect(await fill(juliet, place, 'mine')).toEqual({ status: 403, errcode: 'M_FORBIDDEN' });
    expect(await fill(romeo, `${server.name}/nothing`, 'x')).toEqual({ status: 404, errcode: 'M_NOT_FOUND' });
    expect(await fill(romeo, 'other.test/nothing', 'x')).toEqual({ status: 404, errcode: 'M_NOT_FOUND' });
    const uploaded = await placeMedia(server, romeo, 'done');
    expect(await fill(romeo, uploaded, 'x')).toEqual({ status: 409, errcode: 'M_CANNOT_OVERWRITE_MEDIA' });
  });

  test('comes too late after a day', async () => {
    const { place } = await announce(romeo);
    clock.advance(DAY_MS);
    expect(await fill(romeo, place, 'late')).toEqual({ status: 404, errcode: 'M_NOT_FOUND' });
    expect((await readMedia(server, juliet, `download/${place}`)).status).toBe(504);
  });

  test('only so many wait at a time', async () => {
    const mercutio = await server.user('mercutio');
    for (let count = 0; count < 50; count += 1) await announce(mercutio);
    const refused = await mercutio.attempt('POST', '/_matrix/media/v1/create', {});
    expect(refused).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } });
    clock.advance(DAY_MS);
    await announce(mercutio);
  });
});

describe('the space of one person', () => {
  test('is never exceeded, also by uploads at the same time', async () => {
    const tybalt = await server.user('tybalt');
    const file = new Uint8Array(40_000);
    const answers = await Promise.all([1, 2, 3, 4].map(() => uploadMedia(server, tybalt, file)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 403, 403]);
    const [refused] = answers.filter((answer) => answer.status === 403);
    expect(await refused?.json()).toMatchObject({ errcode: 'M_FORBIDDEN' });
    const [{ bytes } = { bytes: 0 }] = await server.sql<{ bytes: number }[]>`
      select sum(m.bytes)::bigint as bytes from media m join users u on u.user_nid = m.uploader_nid where u.user_id = ${tybalt.id}`;
    expect(bytes).toBe(80_000);
    expect((await uploadMedia(server, tybalt, new Uint8Array(20_000))).status).toBe(200);
  });

  test('a file that is too large is refused while it comes, without a declared length too', async () => {
    const { status, body } = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const sending = request(`${server.url}/_matrix/media/v3/upload`, {
        method: 'POST',
        agent: false,
        headers: { authorization: `Bearer ${romeo.accessToken}` },
      });
      sending.on('error', reject);
      sending.on('response', (answer) => void text(answer).then((body) => resolve({ status: answer.statusCode, body })));
      for (let chunk = 0; chunk < 7; chunk += 1) sending.write(new Uint8Array(10_000));
      sending.end();
    });
    expect([status, JSON.parse(body)]).toEqual([413, expect.objectContaining({ errcode: 'M_TOO_LARGE' })]);
  });

  test('an upload that is broken off leaves nothing', async () => {
    const before = await server.sql`select 1 from media`;
    const sending = request(`${server.url}/_matrix/media/v3/upload`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${romeo.accessToken}`, 'content-length': '50000' },
    });
    const gone = new Promise((resolve) => sending.on('close', resolve));
    sending.on('error', () => undefined);
    sending.write(new Uint8Array(20_000));
    const drafts = async () => (await readdir(join(server.config.dataDir, 'media'))).filter((name) => name.startsWith('draft-'));
    await expect.poll(drafts).toHaveLength(1);
    sending.destroy();
    await gone;
    await expect.poll(drafts).toEqual([]);
    expect(await server.sql`select 1 from media`).toHaveLength(before.length);
  });

  test('nobody uploads without a token', async () => {
    for (const path of ['v3/upload', 'r0/upload', 'v1/upload', 'v1/create']) {
      const answer = await fetch(`${server.url}/_matrix/media/${path}`, { method: 'POST', body: 'x' });
      expect([answer.status, await answer.json()]).toEqual([401, expect.objectContaining({ errcode: 'M_MISSING_TOKEN' })]);
    }
  });
});
