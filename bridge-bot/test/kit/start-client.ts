import type { MatrixClient } from 'client/matrix/client.ts';
import { createMatrixClient } from 'client/matrix/create-matrix-client.ts';
import { createCryptoEngine } from 'client/matrix/crypto/create-crypto-engine.ts';
import type { Room } from 'client/matrix/rooms/room.ts';
import { loginWithPassword } from 'client/matrix/session/login.ts';
import type { TimelineItem } from 'client/matrix/timeline/timeline-item.ts';
import { TEST_PASSWORD } from 'homeserver/test/kit/test-user.ts';
import { waitForSignal } from '../../src/sdk/wait-for-signal.ts';

const WAIT_MS = 30_000;

/** A person's client with end-to-end encryption, in this process, that forgets all at its end. */
export type TestClient = AsyncDisposable & {
  client: MatrixClient;
  room(roomId: string): Room;
  /** Waits until the room shows an item that satisfies. */
  see(roomId: string, satisfies: (item: TimelineItem) => boolean): Promise<TimelineItem>;
  /** Waits for a text that contains the words. */
  seeText(roomId: string, words: string): Promise<TimelineItem>;
  say(roomId: string, text: string): Promise<string>;
};

/** Logs a test kit's account in on a new device, and syncs. */
export async function startClient(url: string, user: string): Promise<TestClient> {
  const session = await loginWithPassword({ fetch, homeserverUrl: url, user, password: TEST_PASSWORD, deviceName: 'test' });
  const client = createMatrixClient({
    session,
    platform: {
      fetch,
      WebSocket: globalThis.WebSocket,
      hasIndexedDb: false,
      startCrypto: (options) => createCryptoEngine({ ...options, isPersistent: false }),
      now: Date.now,
    },
    onSessionChanged: () => undefined,
  });
  await client.start();
  await waitForSignal(client.syncStatus, ({ state }) => state === 'live', WAIT_MS);

  const room = (roomId: string): Room => {
    const known = client.room(roomId);
    if (known === undefined) throw new Error(`${user} does not know the room ${roomId}`);
    return known;
  };
  const see: TestClient['see'] = async (roomId, satisfies) => {
    const { state } = room(roomId).timeline;
    const found = await waitForSignal(state, ({ items }) => items.some(satisfies), WAIT_MS);
    const item = found?.items.find(satisfies);
    if (item !== undefined) return item;
    const shown = state.get().items.map(({ sender, body }) => `${sender}: ${JSON.stringify(body)}`);
    throw new Error(`${user} saw no such item within ${WAIT_MS} ms, but\n${shown.join('\n')}`);
  };
  return {
    client,
    room,
    see,
    seeText: (roomId, words) => see(roomId, (item) => textOf(item).includes(words)),
    say: (roomId, text) => room(roomId).whenSent(room(roomId).sendMessage({ kind: 'text', text })),
    [Symbol.asyncDispose]: () => client.stop(),
  };
}

export function textOf({ body }: TimelineItem): string {
  return body.kind === 'text' || body.kind === 'notice' ? body.text : '';
}
