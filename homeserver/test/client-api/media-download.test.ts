import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { placeMedia, readMedia } from './media-client.ts';

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(() => server[Symbol.asyncDispose]());

describe('what is served, and how', () => {
  test.each([
    ['ascii', 'filename="ascii"'],
    ['name with spaces', 'filename="name with spaces"'],
    ['name;with;semicolons', "filename*=utf-8''name%3Bwith%3Bsemicolons"],
    ['☕', "filename*=utf-8''%E2%98%95"],
    ['a"b\\c', "filename*=utf-8''a%22b%5Cc"],
    ['a\r\nset-cookie: x=1', "filename*=utf-8''a%0D%0Aset-cookie%3A%20x%3D1"],
  ])('the file name %j', async (fileName, written) => {
    const place = await placeMedia(server, romeo, 'hello', { contentType: 'text/plain', fileName });
    const answer = await readMedia(server, juliet, `download/${place}`);
    expect(answer.headers.get('content-disposition')).toBe(`inline; ${written}`);
    expect(answer.headers.get('set-cookie')).toBeNull();
    const renamed = await readMedia(server, juliet, `download/${place}/${encodeURIComponent(fileName)}`);
    expect(renamed.headers.get('content-disposition')).toBe(`inline; ${written}`);
  });

  test('without a file name none is told, and a missing type is plain bytes', async () => {
    const place = await placeMedia(server, romeo, new Uint8Array([1, 2, 3]));
    const answer = await readMedia(server, juliet, `download/${place}`);
    expect(answer.headers.get('content-disposition')).toBe('attachment');
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect(answer.headers.get('content-length')).toBe('3');
  });

  test.each([
    ['image/png', 'inline'],
    ['Text/Plain; Charset=utf-8', 'inline'],
    ['text/plain;charset="utf-8"', 'inline'],
    ['application/pdf', 'attachment'],
    ['text/html', 'attachment'],
    ['image/svg+xml', 'attachment'],
    ['application/javascript', 'attachment'],
    ['text/plain, text/html', 'attachment'],
  ])('the type %s is %s', async (contentType, disposition) => {
    const place = await placeMedia(server, romeo, 'x', { contentType });
    const answer = await readMedia(server, juliet, `download/${place}`);
    expect(answer.headers.get('content-disposition')).toBe(disposition);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    expect(answer.headers.get('content-security-policy')).toMatch(/^sandbox;/);
  });

  test('HEAD tells of the file and sends none of it', async () => {
    const place = await placeMedia(server, romeo, 'hello', { contentType: 'text/plain' });
    const answer = await fetch(`${server.url}/_matrix/client/v1/media/download/${place}`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${juliet.accessToken}` },
    });
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '5', '']);
  });

  test('a range of the bytes, as players of films ask', async () => {
    const place = await placeMedia(server, romeo, '0123456789', { contentType: 'video/mp4' });
    const range = async (header: string) => {
      const answer = await readMedia(server, juliet, `download/${place}`, { range: header });
      return [answer.status, answer.headers.get('content-range'), answer.status === 416 ? '' : await answer.text()];
    };
    expect(await range('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234']);
    expect(await range('bytes=7-')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await range('bytes=-3')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await range('bytes=5-99')).toEqual([206, 'bytes 5-9/10', '56789']);
    expect(await range('bytes=10-')).toEqual([416, 'bytes */10', '']);
    expect(await range('bytes=4-2')).toEqual([200, null, '0123456789']);
    expect(await range('bytes=0-1,3-4')).toEqual([200, null, '0123456789']);
    expect(await range('lines=1-2')).toEqual([200, null, '0123456789']);
  });

  test('who has the bytes already is not sent them again, as long as they may read them', async () => {
    const bytes = `0123456789${randomUUID()}`; // what is withheld below is withheld wherever it stands
    const place = await placeMedia(server, romeo, bytes, { contentType: 'text/plain' });
    const first = await readMedia(server, juliet, `download/${place}`);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    for (const known of [etag, `W/${etag}`, `"another", ${etag}`, '*']) {
      const again = await readMedia(server, juliet, `download/${place}`, { 'if-none-match': known });
      expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, etag, '']);
    }
    const other = await readMedia(server, juliet, `download/${place}`, { 'if-none-match': '"another"' });
    expect([other.status, await other.text()]).toEqual([200, bytes]);
    const copy = await placeMedia(server, romeo, bytes, { contentType: 'text/plain' });
    expect((await readMedia(server, juliet, `download/${copy}`)).headers.get('etag')).not.toBe(etag);

    const part = await readMedia(server, juliet, `download/${place}`, { range: 'bytes=2-4', 'if-range': etag });
    expect([part.status, await part.text()]).toEqual([206, '234']);
    const whole = await readMedia(server, juliet, `download/${place}`, { range: 'bytes=2-4', 'if-range': '"another"' });
    expect([whole.status, await whole.text()]).toEqual([200, bytes]);

    const stranger = { headers: { 'if-none-match': etag } };
    expect((await fetch(`${server.url}/_matrix/client/v1/media/download/${place}`, stranger)).status).toBe(401);
    await server.sql`update media set quarantined_at = 1 where media_id = ${place.split('/')[1] ?? ''}`;
    expect((await readMedia(server, juliet, `download/${place}`, { 'if-none-match': etag })).status).toBe(404);
  });

  test('an empty file is a file', async () => {
    const place = await placeMedia(server, romeo, '', { contentType: 'text/plain' });
    const answer = await readMedia(server, juliet, `download/${place}`);
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect((await readMedia(server, juliet, `download/${place}`, { range: 'bytes=0-' })).status).toBe(416);
    expect((await readMedia(server, juliet, `thumbnail/${place}?width=32&height=32`)).status).toBe(400);
  });

  test.each(['hs.test/nothing', 'hs.test/..%2Fsecrets', 'hs.test/a.b', '..%2F..%2Fetc/passwd', 'not a server/id', 'hs.test/%00'])(
    'there is no %s',
    async (place) => {
      for (const path of [`download/${place}`, `download/${place}/name`, `thumbnail/${place}?width=32&height=32`]) {
        const answer = await readMedia(server, juliet, path);
        expect([400, 404]).toContain(answer.status);
        expect(['M_NOT_FOUND', 'M_INVALID_PARAM']).toContain(((await answer.json()) as { errcode: string }).errcode);
      }
    },
  );

  test('the size that may be uploaded is told on every path, to people with a token', async () => {
    for (const path of [
      '/_matrix/client/v1/media/config',
      '/_matrix/media/v3/config',
      '/_matrix/media/r0/config',
      '/_matrix/media/v1/config',
    ])
      expect(await juliet.call('GET', path)).toEqual({ 'm.upload.size': server.config.maxUploadBytes });
    expect((await fetch(`${server.url}/_matrix/client/v1/media/config`)).status).toBe(401);
  });
});

describe('the frozen paths', () => {
  const paths = (place: string) =>
    ['v3', 'r0', 'v1'].flatMap((version) => [
      `/_matrix/media/${version}/download/${place}`,
      `/_matrix/media/${version}/download/${place}/name.png`,
    ]);

  test('serve whoever shows a token, and tell others that there is nothing', async () => {
    const place = await placeMedia(server, romeo, 'hello', { contentType: 'text/plain' });
    for (const path of paths(place)) {
      const answer = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${juliet.accessToken}` } });
      expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
      const without = await fetch(`${server.url}${path}`);
      expect([without.status, await without.json()]).toEqual([404, expect.objectContaining({ errcode: 'M_NOT_FOUND' })]);
      expect((await fetch(`${server.url}${path}`, { headers: { authorization: 'Bearer nonsense' } })).status).toBe(401);
    }
  });

  test('what came while the operator left them open stays readable after the freeze', async () => {
    await using open = await startServer({ config: { legacyMedia: true } });
    const mercutio = await open.user('mercutio');
    const before = await placeMedia(open, mercutio, 'before', { contentType: 'text/plain' });
    expect(await (await fetch(`${open.url}/_matrix/media/r0/download/${before}`)).text()).toBe('before');
    await open.sql`update media set is_frozen = true`; // as if it had come after the freeze
    expect((await fetch(`${open.url}/_matrix/media/r0/download/${before}`)).status).toBe(200);
    await using frozen = await startServer();
    const benvolio = await frozen.user('benvolio');
    const after = await placeMedia(frozen, benvolio, 'after', { contentType: 'text/plain' });
    await frozen.sql`update media set is_frozen = false`; // as if it had come before
    expect(await (await fetch(`${frozen.url}/_matrix/media/v3/download/${after}`)).text()).toBe('after');
  });
});
