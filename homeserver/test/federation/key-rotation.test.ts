import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { freePort } from '../kit/free-port.ts';
import { startServer } from '../kit/start-server.ts';
import { type ServerProcess, startServerProcess } from '../kit/start-server-process.ts';
import { createTestCa } from '../kit/test-ca.ts';
import { callServer, type TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 60_000 };
const ADMIN = new URL('../../src/admin.ts', import.meta.url).pathname;

/** Runs the command as an operator does, with the settings of the server; gives what it printed. */
async function rotate({ name, dataDir, url }: ServerProcess): Promise<string> {
  const env = {
    PATH: process.env['PATH'],
    BLINKCHAT_SERVER_NAME: name,
    BLINKCHAT_DATA_DIR: dataDir,
    BLINKCHAT_PORT: new URL(url).port,
    BLINKCHAT_PUBLIC_URL: url,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [ADMIN, 'rotate-signing-key'], { env });
  return stdout.trim();
}

type KeyList = { verify_keys: JsonObject; old_verify_keys: Record<string, { key: string; expired_ts: number }>; signatures: JsonObject };
const listKeys = async ({ url }: ServerProcess) => (await callServer(url, 'GET', '/_matrix/key/v2/server')).body as unknown as KeyList;
const textsOf = async (user: TestUser, roomId: string) =>
  (await user.messages(roomId)).flatMap((event) => (event.type === 'm.room.message' ? [event.content['body']] : [])).reverse();

test('a server with a new signing key is believed by those who know it, and by those who never knew the old one', async () => {
  await using cleanup = createCleanup();
  const ca = cleanup.use(await createTestCa());
  const { certFile, keyFile } = await ca.issue(['localhost', '127.0.0.1']);
  const port = await freePort();
  const rotated = cleanup.use(
    await startServerProcess({
      env: {
        BLINKCHAT_SERVER_NAME: `localhost:${port}`,
        BLINKCHAT_TLS_PORT: String(port),
        BLINKCHAT_TLS_CERT: certFile,
        BLINKCHAT_TLS_KEY: keyFile,
        BLINKCHAT_OUTBOUND_CA: ca.caFile,
      },
    }),
  );
  const startOther = async () => {
    const tlsPort = await freePort();
    const config = { serverName: `localhost:${tlsPort}`, tlsPort, tlsCert: certFile, tlsKey: keyFile, outboundCa: ca.caFile };
    return cleanup.use(await startServer({ config }));
  };
  const juliet = await rotated.user('juliet');
  const romeo = await (await startOther()).user('romeo');
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  await romeo.join(roomId, { via: [rotated.name] });
  await juliet.send(roomId, 'under the old key');
  await expect.poll(() => textsOf(romeo, roomId), WAIT).toEqual(['under the old key']);
  const before = await listKeys(rotated);
  const [oldKeyId = ''] = Object.keys(before.verify_keys);

  // A server that runs goes on signing with the key it has read.
  await expect(rotate(rotated)).rejects.toThrow(/stop/i);
  expect(Object.keys((await listKeys(rotated)).verify_keys)).toEqual([oldKeyId]);

  expect(await rotated.end('SIGTERM')).toBe(0);
  const rotatedAt = Date.now();
  const printed = await rotate(rotated);
  await rotated.start();
  const after = await listKeys(rotated);
  const [newKeyId = ''] = Object.keys(after.verify_keys);
  expect(newKeyId).not.toBe(oldKeyId);
  expect(printed).toContain(newKeyId);
  const old = after.old_verify_keys[oldKeyId];
  expect(old?.key).toBe((before.verify_keys[oldKeyId] as { key: string }).key);
  expect(old?.expired_ts).toBeGreaterThanOrEqual(rotatedAt);
  expect(old?.expired_ts).toBeLessThanOrEqual(Date.now());

  await juliet.send(roomId, 'under the new key');
  await expect.poll(() => textsOf(romeo, roomId), WAIT).toEqual(['under the old key', 'under the new key']);
  await romeo.send(roomId, 'heard');
  await expect.poll(() => textsOf(juliet, roomId), WAIT).toContain('heard');

  const nurse = await (await startOther()).user('nurse');
  await nurse.join(roomId, { via: [rotated.name] });
  await expect.poll(() => textsOf(nurse, roomId), WAIT).toEqual(['under the old key', 'under the new key', 'heard']);
});
