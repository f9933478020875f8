import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { hostRoom } from '../kit/hosted-room.ts';
import { startHostilePeer } from '../kit/hostile-peer.ts';
import { startServerProcess } from '../kit/start-server-process.ts';
import { createTestCa } from '../kit/test-ca.ts';

const MEMBERS = 30_000;
const TIMEOUT_MS = 600_000;
/** What the process may have held at its peak: a fixed part and a small multiple of the state, whose texts are some 20 MB. */
const MAX_PEAK_MB = 700;

async function peakMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

test('a room of thirty thousand members is joined at once, completed behind the scenes, and fits into memory', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using ca = await createTestCa();
  const { certFile, keyFile } = await ca.issue(['localhost', '127.0.0.1']);
  const port = await freePort();
  await using peer = await startHostilePeer(ca);
  const room = await hostRoom(peer, { members: MEMBERS });
  peer.answer(room.answer);
  await using server = await startServerProcess({
    env: {
      BLINKCHAT_SERVER_NAME: `localhost:${port}`,
      BLINKCHAT_TLS_PORT: String(port),
      BLINKCHAT_TLS_CERT: certFile,
      BLINKCHAT_TLS_KEY: keyFile,
      BLINKCHAT_OUTBOUND_CA: ca.caFile,
    },
  });
  const romeo = await server.user('romeo');
  const began = Date.now();
  await romeo.join(room.roomId, { via: [peer.name] });
  await romeo.send(room.roomId, 'here at once');
  const usable = Date.now() - began;

  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}/joined_members`;
  const countJoined = async () => {
    const { status, body } = await romeo.attempt('GET', path);
    return status === 200 ? Object.keys(body['joined'] as object).length : status;
  };
  await expect.poll(countJoined, { timeout: TIMEOUT_MS - 60_000, interval: 1_000 }).toBe(MEMBERS + 2);
  const peak = await peakMegabytes(server.pid());
  console.info(`usable after ${usable} ms, whole after ${Date.now() - began} ms, at most ${Math.round(peak)} MB`);
  expect(peak).toBeLessThan(MAX_PEAK_MB);
  await romeo.send(room.roomId, 'and still here');
});
