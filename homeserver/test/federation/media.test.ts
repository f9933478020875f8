import sharp from 'sharp';
import { expect, test } from 'vitest';
import { startServers } from '../kit/start-servers.ts';

test('a file uploaded on one server is read on the other, whole, and asked for once', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const image = await sharp({ create: { width: 900, height: 700, channels: 3, background: '#a37' } })
    .png()
    .toBuffer();
  const uploaded = await fetch(`${servers.at(0).url}/_matrix/media/v3/upload?filename=rose.png`, {
    method: 'POST',
    headers: { authorization: `Bearer ${romeo.accessToken}`, 'content-type': 'image/png' },
    body: new Uint8Array(image),
  });
  const { content_uri: uri } = (await uploaded.json()) as { content_uri: string };
  const read = (path: string) =>
    fetch(`${servers.at(1).url}/_matrix/client/v1/media/${path}`, { headers: { authorization: `Bearer ${juliet.accessToken}` } });

  const answers = await Promise.all([1, 2, 3].map(() => read(`download/${uri.slice('mxc://'.length)}`)));
  for (const answer of answers) {
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-disposition')).toBe('inline; filename="rose.png"');
    expect(Buffer.from(await answer.arrayBuffer()).equals(image)).toBe(true);
  }
  expect(await servers.at(1).sql`select 1 from media`).toHaveLength(1);
  expect((await read(`thumbnail/${uri.slice('mxc://'.length)}?width=96&height=96&method=crop`)).status).toBe(200);
});

test('a file that the other server does not have is not found', async () => {
  await using servers = await startServers(2);
  const juliet = await servers.user('juliet', 1);
  const answer = await juliet.attempt('GET', `/_matrix/client/v1/media/download/${servers.at(0).name}/nothing`);
  expect(answer).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
});
