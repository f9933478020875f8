import sharp from 'sharp';
import { expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

async function upload(server: TestServer, user: TestUser, bytes: Uint8Array | string, contentType: string, query = ''): Promise<Response> {
  return await fetch(`${server.url}/_matrix/media/v3/upload${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${user.accessToken}`, 'content-type': contentType },
    body: bytes,
  });
}

function read(server: TestServer, user: TestUser, path: string): Promise<Response> {
  return fetch(`${server.url}/_matrix/client/v1/media/${path}`, { headers: { authorization: `Bearer ${user.accessToken}` } });
}

const placeOf = (uri: string) => uri.slice('mxc://'.length);

async function uploaded(answer: Response): Promise<string> {
  expect(answer.status).toBe(200);
  const { content_uri: uri } = (await answer.json()) as { content_uri: string };
  return placeOf(uri);
}

test('a file comes back as it was, with headers that keep it harmless', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const bytes = new Uint8Array(300_000).map((_, index) => index % 251);
  const place = await uploaded(
    await upload(server, romeo, bytes, 'application/pdf', `?filename=${encodeURIComponent('Brief "für" Julia.pdf')}`),
  );

  const answer = await read(server, romeo, `download/${place}`);
  expect(answer.status).toBe(200);
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes);
  expect(answer.headers.get('content-disposition')).toBe("attachment; filename*=utf-8''Brief%20%22f%C3%BCr%22%20Julia.pdf");
  expect(answer.headers.get('content-security-policy')).toMatch(/^sandbox;/);
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
});

test('nothing is served without a token, also by the old paths', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const place = await uploaded(await upload(server, romeo, 'hello', 'text/plain'));
  expect((await fetch(`${server.url}/_matrix/client/v1/media/download/${place}`)).status).toBe(401);
  expect((await fetch(`${server.url}/_matrix/media/v3/download/${place}`)).status).toBe(404);
});

test('a page or a drawing with scripts is only offered for saving', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  for (const type of ['text/html', 'image/svg+xml', 'TEXT/HTML; charset=utf-8', 'nonsense\u00ff']) {
    const place = await uploaded(await upload(server, romeo, '<svg onload="alert(1)"/>', type));
    const answer = await read(server, romeo, `download/${place}`);
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment/);
  }
});

test('an image has thumbnails of the sizes that are made', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const image = await sharp({ create: { width: 1200, height: 900, channels: 3, background: '#7a3' } })
    .png()
    .toBuffer();
  const place = await uploaded(await upload(server, romeo, image, 'image/png'));

  for (const [width, height, method, made] of [
    [96, 96, 'crop', [96, 96]],
    [300, 200, 'scale', [320, 240]],
  ] as const) {
    for (const _ of ['drawn', 'remembered']) {
      const answer = await read(server, romeo, `thumbnail/${place}?width=${width}&height=${height}&method=${method}`);
      expect(answer.status).toBe(200);
      const metadata = await sharp(new Uint8Array(await answer.arrayBuffer())).metadata();
      expect([metadata.width, metadata.height]).toEqual(made);
    }
  }
});

test('what is no image never reaches the decoder, and a broken one is refused', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const text = await uploaded(await upload(server, romeo, '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/png'));
  expect((await read(server, romeo, `thumbnail/${text}?width=96&height=96`)).status).toBe(400);
  const broken = await uploaded(
    await upload(server, romeo, new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]), 'image/png'),
  );
  expect((await read(server, romeo, `thumbnail/${broken}?width=96&height=96`)).status).toBe(400);
});

test('a file that is too large is refused and leaves nothing', async () => {
  await using server = await startServer({ config: { maxUploadBytes: 1_000 } });
  const romeo = await server.user('romeo');
  const answer = await upload(server, romeo, new Uint8Array(1_001), 'application/octet-stream');
  expect(answer.status).toBe(413);
  expect(await answer.json()).toMatchObject({ errcode: 'M_TOO_LARGE' });
  expect(await server.sql`select 1 from media`).toHaveLength(0);
});

test('an announced upload is filled once, by who announced it', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const { content_uri: uri } = await romeo.call('POST', '/_matrix/media/v1/create', {});
  const place = placeOf(String(uri));
  const fill = (user: TestUser, body: string) =>
    fetch(`${server.url}/_matrix/media/v3/upload/${place}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${user.accessToken}`, 'content-type': 'text/plain' },
      body,
    });

  expect((await read(server, juliet, `download/${place}?timeout_ms=0`)).status).toBe(504);
  expect((await fill(juliet, 'mine')).status).toBe(403);
  expect((await fill(romeo, 'first')).status).toBe(200);
  expect(await (await fill(romeo, 'second')).json()).toMatchObject({ errcode: 'M_CANNOT_OVERWRITE_MEDIA' });
  expect(await (await read(server, juliet, `download/${place}`)).text()).toBe('first');
});

test('a media id cannot leave its folder', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  for (const id of ['..%2f..%2fsecrets.json', 'a%00b']) {
    expect([400, 404]).toContain((await read(server, romeo, `download/${server.name}/${id}`)).status);
  }
});
