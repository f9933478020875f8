import { createServer, type Server as HttpServer } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readMedia } from '../client-api/media-client.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { type HostilePeer, lie, peerError, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const clock = createFakeClock();
/** Another file each time, so that a scene can be played again: what was fetched is not fetched again. */
const nameOf = createNames();
let servers: TestServers;
let peer: HostilePeer;
let juliet: TestUser;
/** A host that files are redirected to. */
let elsewhere: HttpServer;
let elsewhereUrl: string;
const elsewhereSaw: { url: string; headers: Record<string, unknown> }[] = [];

beforeAll(async () => {
  servers = await startServers(1, { clock, config: { maxUploadBytes: 10_000, remoteMediaBytes: 25_000, remoteMediaDays: 30 } });
  peer = await startHostilePeer(servers.ca);
  juliet = await servers.user('juliet', 0);
  elsewhere = createServer((req, res) => {
    elsewhereSaw.push({ url: req.url ?? '', headers: req.headers });
    res.writeHead(200, { 'content-type': 'image/png', 'content-disposition': 'inline; filename="far.png"' }).end('from far away');
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  const address = elsewhere.address();
  elsewhereUrl = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterAll(async () => {
  elsewhere.closeAllConnections();
  await new Promise((resolve) => elsewhere.close(resolve));
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});
beforeEach(() => {
  peer.seen.length = 0;
  elsewhereSaw.length = 0;
});

const B = 'xyz';
/** A good answer of the federation endpoint. */
function parts(file: string, headers: readonly string[] = ['Content-Type: text/plain']): string {
  return [`--${B}`, 'Content-Type: application/json', '', '{}', `--${B}`, ...headers, '', file, `--${B}--`, ''].join('\r\n');
}
const multipart = (file: string, headers?: readonly string[]) =>
  lie({
    headers: { 'content-type': `multipart/mixed; boundary=${B}` },
    body: parts(file, headers),
  });

async function read(mediaId: string): Promise<{ status: number; body: string; errcode?: string; disposition: string | null }> {
  const answer = await readMedia(servers.at(0), juliet, `download/${peer.name}/${mediaId}`);
  const body = await answer.text();
  const errcode = answer.status === 200 ? undefined : (JSON.parse(body) as { errcode: string }).errcode;
  return {
    status: answer.status,
    body,
    disposition: answer.headers.get('content-disposition'),
    ...(errcode === undefined ? {} : { errcode }),
  };
}

describe('how another server may answer', () => {
  test('with the file, told apart from what stands around it', async () => {
    const tricky = `--${B} is not the end\r\n--xy`;
    peer.answer(() => multipart(tricky, ['content-TYPE: text/plain', `Content-Disposition: inline; filename*=utf-8''%E2%98%95.txt`]));
    const file = nameOf('plain');
    expect(await read(file)).toEqual({ status: 200, body: tricky, disposition: "inline; filename*=utf-8''%E2%98%95.txt" });
    expect(await read(file)).toMatchObject({ status: 200 });
    expect(peer.seen.map((request) => request.path)).toEqual([`/_matrix/federation/v1/media/download/${file}?timeout_ms=20000`]);
  });

  test('with where the file is, which is asked without our signature', async () => {
    peer.answer(() => multipart('', [`Location: ${elsewhereUrl}/bucket/x?sig=1`]));
    expect(await read(nameOf('elsewhere'))).toEqual({ status: 200, body: 'from far away', disposition: 'inline; filename="far.png"' });
    expect(elsewhereSaw).toHaveLength(1);
    expect(elsewhereSaw[0]?.headers['authorization']).toBeUndefined();
  });

  test('not with an address inside our network', async () => {
    peer.answer(() => multipart('', ['Location: http://169.254.169.254/latest/meta-data']));
    expect(await read('inside')).toMatchObject({ status: 502, errcode: 'M_UNKNOWN' });
    peer.answer(() => multipart('', ['Location: file:///etc/passwd']));
    expect(await read('file')).toMatchObject({ status: 502 });
  });

  test('not with more than we take, and what was begun is not kept', async () => {
    peer.answer(() => multipart('x'.repeat(10_001)));
    expect(await read('large')).toMatchObject({ status: 502, errcode: 'M_TOO_LARGE' });
    expect(await servers.at(0).sql`select 1 from media where media_id = 'large'`).toHaveLength(0);
  });

  test('not with half an answer, nor with something else', async () => {
    for (const text of [parts('half a file').slice(0, -12), '', 'no parts at all', `--${B}\r\n\r\n{}`]) {
      peer.answer(() => lie({ headers: { 'content-type': `multipart/mixed; boundary=${B}` }, body: text }));
      expect(await read('half')).toMatchObject({ status: 502, errcode: 'M_UNKNOWN' });
    }
    peer.answer(() => lie({ headers: { 'content-type': 'text/html' }, body: '<html>' }));
    expect(await read('half')).toMatchObject({ status: 502 });
  });

  test('that it has no such file', async () => {
    peer.answer(() => peerError(404, 'M_NOT_FOUND'));
    expect(await read('none')).toMatchObject({ status: 404, errcode: 'M_NOT_FOUND' });
    expect(peer.seen).toHaveLength(1);
  });

  test.each([404, 400, 405])('that it does not know the path (%i): then it is asked as servers were before', async (status) => {
    peer.answer((_method, path) =>
      path.startsWith('/_matrix/media/v3/download/')
        ? lie({
            headers: { 'content-type': 'text/plain', 'content-disposition': 'inline; filename="old.txt"' },
            body: 'from an old server',
          })
        : peerError(status, 'M_UNRECOGNIZED'),
    );
    const file = nameOf('old');
    expect(await read(file)).toEqual({ status: 200, body: 'from an old server', disposition: 'inline; filename="old.txt"' });
    expect(peer.seen[1]?.path).toContain(`/_matrix/media/v3/download/${encodeURIComponent(peer.name)}/${file}?`);
    expect(peer.seen[1]?.path).toContain('allow_remote=false');
  });

  test('by the old path with a redirect, to which our name for the host is not sent', async () => {
    peer.answer((_method, path) =>
      path.startsWith('/_matrix/media/')
        ? lie({ status: 302, headers: { location: `${elsewhereUrl.replace('http:', 'https:')}/x` } })
        : peerError(404, 'M_UNRECOGNIZED'),
    );
    expect(await read('old-elsewhere')).toMatchObject({ status: 502 }); // nothing speaks TLS there
    expect(elsewhereSaw).toHaveLength(0);
  });
});

describe('what was fetched', () => {
  test('is forgotten when nobody reads it for long', async () => {
    peer.answer(() => multipart('kept'));
    const [often, never] = [nameOf('read-often'), nameOf('read-never')];
    await read(often);
    await read(never);
    clock.advance(20 * DAY_MS);
    await read(often);
    await expect
      .poll(() => servers.at(0).sql`select 1 from media where media_id = ${often} and last_read_at = ${clock.now()}`)
      .toHaveLength(1);
    clock.advance(15 * DAY_MS);
    await servers.at(0).tendMedia();
    expect(await servers.at(0).sql`select media_id from media where media_id in (${often}, ${never})`).toEqual([{ media_id: often }]);
    peer.seen.length = 0;
    expect(await read(never)).toMatchObject({ status: 200 });
    expect(peer.seen).toHaveLength(1);
  });

  test('takes no more space than it may: what was not read for longest goes first', async () => {
    peer.answer(() => multipart('x'.repeat(9_000)));
    const ids = ['big1', 'big2', 'big3'].map(nameOf);
    for (const id of ids) {
      await read(id);
      clock.advance(1_000);
    }
    // Much has come: nobody waits for the next round.
    const left = () => servers.at(0).sql`select media_id from media where media_id = any(${ids}) order by media_id`;
    await expect.poll(left).toEqual(ids.slice(1).map((id) => ({ media_id: id })));
  });

  test('and quarantined is not fetched again, whether it was here before or not', async () => {
    peer.answer(() => multipart('poison'));
    const admin = await servers.user('prince', 0);
    await servers.at(0).sql`update accounts set is_admin = true where user_nid = (select user_nid from users where user_id = ${admin.id})`;
    await servers.at(0).restart();
    await read('poison');
    for (const id of ['poison', 'unseen']) await admin.call('POST', `/_synapse/admin/v1/media/quarantine/${peer.name}/${id}`, {});
    await admin.call('POST', `/_synapse/admin/v1/purge_media_cache?before_ts=${clock.now() + 1}`, {});
    peer.seen.length = 0;
    expect([await read('poison'), await read('unseen')]).toMatchObject([{ status: 404 }, { status: 404 }]);
    expect(peer.seen).toHaveLength(0);
  });
});

test('a path cannot be smuggled to another server', async () => {
  for (const id of ['..%2F..%2Fx', 'a%2Fb', 'a%3Fb=c', 'a%23b', 'a.b'])
    expect((await readMedia(servers.at(0), juliet, `download/${peer.name}/${id}`)).status).toBe(404);
  expect((await readMedia(servers.at(0), juliet, `download/${encodeURIComponent(`${peer.name}/x`)}/abc`)).status).toBe(404);
  expect(peer.seen).toHaveLength(0);
});
