import type { MatrixClient } from 'client/matrix/client.ts';
import { createMatrixClient } from 'client/matrix/create-matrix-client.ts';
import { createCryptoEngine } from 'client/matrix/crypto/create-crypto-engine.ts';
import type { Signal } from 'client/matrix/observable/signal.ts';
import type { MatrixPlatform } from 'client/matrix/platform.ts';
import type { Room } from 'client/matrix/rooms/room.ts';
import { loginWithPassword } from 'client/matrix/session/login.ts';
import type { Session } from 'client/matrix/session/session.ts';
import { startRegistration } from 'client/matrix/session/start-registration.ts';
import type { TimelineItem } from 'client/matrix/timeline/timeline-item.ts';

export const PASSWORD = 'wherefore art thou';
const WAIT_MS = 30_000;

/**
 * A client of ours in Node, as a bot runs it: crypto in this thread. With `hasIndexedDb` (and `fake-indexeddb/auto` imported) its keys
 * are kept beside its rooms: a device whose keys were forgotten between two starts would be another device under the same name.
 */
export function nodePlatform({ hasIndexedDb }: { hasIndexedDb: boolean }): MatrixPlatform {
  return {
    fetch: globalThis.fetch,
    WebSocket: globalThis.WebSocket,
    hasIndexedDb,
    startCrypto: (options) => createCryptoEngine({ ...options, isPersistent: hasIndexedDb }),
    now: () => Date.now(),
  };
}

export type NodeClient = MatrixClient & AsyncDisposable & { session: Session };

/** Signs up at a server that wants nothing more, and starts a client. */
export async function signUp(url: string, username: string, platform: Partial<MatrixPlatform> = {}): Promise<NodeClient> {
  return await startClient(await register(url, username), platform);
}

/** Signs up, and starts no client yet. */
export async function register(url: string, username: string): Promise<Session> {
  const registration = await startRegistration({ fetch, homeserverUrl: url, username, password: PASSWORD, deviceName: 'Node' });
  const step = registration.step();
  if (step.step !== 'done') throw new Error(`The server asks for ${step.step}`);
  return step.session;
}

/** Logs in as another device of the account. */
export async function logIn(url: string, user: string, platform: Partial<MatrixPlatform> = {}): Promise<NodeClient> {
  return await startClient(
    await loginWithPassword({ fetch, homeserverUrl: url, user, password: PASSWORD, deviceName: 'Node again' }),
    platform,
  );
}

export async function startClient(session: Session, platform: Partial<MatrixPlatform> = {}): Promise<NodeClient> {
  const { hasIndexedDb = false } = platform;
  const client = createMatrixClient({
    session,
    platform: { ...nodePlatform({ hasIndexedDb }), ...platform },
    onSessionChanged: () => undefined,
  });
  await client.start();
  return { ...client, session, [Symbol.asyncDispose]: () => client.stop() };
}

/** Resolves with the first value of the signal that fits; says what was there instead when none comes. */
export function waitFor<Value>(signal: Signal<Value>, fits: (value: Value) => boolean): Promise<Value> {
  const present = signal.get();
  if (fits(present)) return Promise.resolve(present);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      unsubscribe();
      reject(new Error(`What was waited for did not come; now it is ${JSON.stringify(signal.get()).slice(-4_000)}`));
    }, WAIT_MS);
    const unsubscribe = signal.subscribe((value) => {
      if (!fits(value)) return;
      clearTimeout(timer);
      unsubscribe();
      resolve(value);
    });
  });
}

/** The room, once the client knows it in that membership. */
export async function roomOf(client: MatrixClient, roomId: string, membership = 'join'): Promise<Room> {
  await waitFor(client.rooms, (rooms) => rooms.some((room) => room.roomId === roomId && room.membership === membership));
  const room = client.room(roomId);
  if (room === undefined) throw new Error(`${client.userId} does not know ${roomId}`);
  return room;
}

/** The first item of the room's timeline that fits. */
export async function itemOf(room: Room, fits: (item: TimelineItem) => boolean): Promise<TimelineItem> {
  const { items } = await waitFor(room.timeline.state, (state) => state.items.some(fits));
  const item = items.find(fits);
  if (item === undefined) throw new Error('The item went away');
  return item;
}

export function says(text: string): (item: TimelineItem) => boolean {
  return ({ body }) => body.kind === 'text' && body.text === text;
}

/** A network that can be pulled out: requests fail, connections that are open end. */
export function createCable(): { platform: Pick<MatrixPlatform, 'fetch' | 'WebSocket'>; pull(): void; plug(): void } {
  let isPlugged = true;
  let pulled = new AbortController();
  const cut: typeof globalThis.fetch = async (input, init) => {
    if (!isPlugged) throw new TypeError('fetch failed');
    const signal = init?.signal ?? undefined;
    return await fetch(input, { ...init, signal: signal === undefined ? pulled.signal : AbortSignal.any([signal, pulled.signal]) });
  };
  class CableSocket extends WebSocket {
    constructor(url: string | URL) {
      super(isPlugged ? url : 'ws://127.0.0.1:9/');
      pulled.signal.addEventListener('abort', () => this.close());
    }
  }
  return {
    platform: { fetch: cut, WebSocket: CableSocket },
    pull() {
      isPlugged = false;
      pulled.abort();
    },
    plug() {
      isPlugged = true;
      pulled = new AbortController();
    },
  };
}
