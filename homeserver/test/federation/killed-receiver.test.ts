import type { JsonObject } from 'federation-spec/events/event.ts';
import { expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { freePort } from '../kit/free-port.ts';
import { startHostilePeer } from '../kit/hostile-peer.ts';
import { startServerProcess } from '../kit/start-server-process.ts';
import { createTestCa } from '../kit/test-ca.ts';

const TRANSACTIONS = 40;
const PDUS = 5;
const TIMEOUT_MS = 120_000;
const WAIT = { timeout: 30_000, interval: 250 };

type Synced = { to_device?: { events: { content: { n: number } }[] } };

test(
  'a server that is killed while others send to it has lost nothing that it acknowledged, and has nothing twice',
  async () => {
    await using cleanup = createCleanup();
    const ca = cleanup.use(await createTestCa());
    const { certFile, keyFile } = await ca.issue(['localhost', '127.0.0.1']);
    const name = `localhost:${await freePort()}`;
    const env = {
      BLINKCHAT_SERVER_NAME: name,
      BLINKCHAT_TLS_PORT: name.split(':')[1] ?? '',
      BLINKCHAT_TLS_CERT: certFile,
      BLINKCHAT_TLS_KEY: keyFile,
      BLINKCHAT_OUTBOUND_CA: ca.caFile,
    };
    const server = cleanup.use(await startServerProcess({ env }));
    const peer = cleanup.use(await startHostilePeer(ca));
    const romeo = await server.user('romeo');
    const roomId = await romeo.createRoom({ preset: 'public_chat' });
    const room = await peer.join({ name }, roomId, 'tybalt');

    const sent: string[] = [];
    const transactions: { pdus: unknown[]; edus: JsonObject[] }[] = [];
    for (let n = 0; n < TRANSACTIONS; n += 1) {
      const events = await Promise.all(
        Array.from({ length: PDUS }, (_, k) => room.event({ content: { msgtype: 'm.text', body: `${n}.${k}` } })),
      );
      sent.push(...events.map(({ id }) => id));
      const messages = { [romeo.id]: { [romeo.deviceId]: { n } } };
      const content = { sender: room.userId, type: 'm.x', message_id: `m${n}`, messages };
      transactions.push({ pdus: events.map(({ event }) => event), edus: [{ edu_type: 'm.direct_to_device', content }] });
    }
    let acknowledged = 0;
    let killing: Promise<unknown> | undefined;
    const deliver = async (n: number): Promise<boolean> => {
      const { pdus, edus } = transactions[n] ?? { pdus: [], edus: [] };
      const status = await peer.sendPdus({ name }, pdus, edus, `txn${n}`).then(
        (answer) => answer.status,
        () => 0,
      );
      acknowledged += status === 200 ? 1 : 0;
      if (acknowledged >= TRANSACTIONS / 4) killing ??= server.end('SIGKILL');
      return status === 200;
    };
    const first = await Promise.all(transactions.map((_, n) => deliver(n)));
    await killing;
    expect(first).toContain(true);
    await server.start();
    // A sender repeats what was not acknowledged; here, as the worst one would, some of the rest too.
    for (const [n, isKnown] of first.entries()) if (!isKnown || n % 3 === 0) expect(await deliver(n)).toBe(true);

    const shown = async () => {
      const events = await romeo.messages(roomId, { limit: 1_000 });
      return events
        .map((event) => event.event_id)
        .filter((id) => sent.includes(id))
        .toSorted();
    };
    await expect.poll(shown, WAIT).toEqual(sent.toSorted());
    const received: number[] = [];
    for (let since = ''; ; ) {
      const body = (await romeo.sync({ since })) as Synced & { next_batch: string };
      const events = body.to_device?.events ?? [];
      if (events.length === 0) break;
      received.push(...events.map((message) => message.content.n));
      since = body.next_batch;
    }
    expect(received.toSorted((a, b) => a - b)).toEqual(Array.from({ length: TRANSACTIONS }, (_, n) => n));
  },
  TIMEOUT_MS,
);
