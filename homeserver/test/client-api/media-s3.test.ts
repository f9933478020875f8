import { afterAll, beforeAll, expect, test } from 'vitest';
import { startS3rver, type TestS3 } from '../kit/object-stores.ts';
import { startServer } from '../kit/start-server.ts';
import { startServers } from '../kit/start-servers.ts';
import { placeMedia, readMedia, uploadMedia } from './media-client.ts';

let s3: TestS3;
beforeAll(async () => {
  s3 = await startS3rver();
});
afterAll(() => s3[Symbol.asyncDispose]());

const settings = (bucket: string, publicUrl?: string) => ({
  s3Url: s3.url,
  s3Bucket: bucket,
  s3AccessKey: s3.accessKey,
  s3SecretKey: s3.secretKey,
  ...(publicUrl === undefined ? {} : { s3PublicUrl: publicUrl }),
});

test('while the store is down uploads are refused, not lost, and afterwards everything is there', async () => {
  await using server = await startServer({ config: settings('down') });
  const romeo = await server.user('romeo');
  const place = await placeMedia(server, romeo, 'before', { contentType: 'text/plain' });
  await s3.stop();
  const refused = await uploadMedia(server, romeo, 'meanwhile');
  expect([refused.status, await refused.json()]).toEqual([502, expect.objectContaining({ errcode: 'M_UNKNOWN' })]);
  expect((await readMedia(server, romeo, `download/${place}`)).status).toBe(502);
  expect(await server.sql`select 1 from media`).toHaveLength(1);
  await s3.start();
  expect(await (await readMedia(server, romeo, `download/${place}`)).text()).toBe('before');
  const range = await readMedia(server, romeo, `download/${place}`, { range: 'bytes=1-2' });
  expect([range.status, await range.text()]).toEqual([206, 'ef']);
});

test('clients and servers are sent to the store when it can be reached, and only there', async () => {
  await using servers = await startServers(2, { config: settings('shared', s3.url) });
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const place = await placeMedia(servers.at(0), romeo, '<b>bold</b>', { contentType: 'text/html', fileName: 'a page.html' });
  const headers = { authorization: `Bearer ${romeo.accessToken}` };
  const sent = await fetch(`${servers.at(0).url}/_matrix/client/v1/media/download/${place}`, { headers, redirect: 'manual' });
  expect(sent.status).toBe(307);
  const location = String(sent.headers.get('location'));
  expect(location.startsWith(s3.url)).toBe(true);
  const stored = await fetch(location);
  expect(await stored.text()).toBe('<b>bold</b>');
  expect(stored.headers.get('content-type')).toBe('text/html');
  expect(stored.headers.get('content-disposition')).toBe('attachment; filename="a page.html"');

  // The old paths redirect only those who say that they follow.
  const legacy = `${servers.at(0).url}/_matrix/media/v3/download/${place}`;
  expect((await fetch(legacy, { headers, redirect: 'manual' })).status).toBe(200);
  expect((await fetch(`${legacy}?allow_redirect=true`, { headers, redirect: 'manual' })).status).toBe(307);

  // The other server is told where the file is, and takes it from there.
  const there = await readMedia(servers.at(1), juliet, `download/${place}`);
  expect([there.status, await there.text()]).toEqual([200, '<b>bold</b>']);
  expect(there.headers.get('content-disposition')).toBe('attachment; filename="a page.html"');
});
