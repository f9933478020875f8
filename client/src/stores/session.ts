import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { MatrixClient } from '../matrix/client.ts';
import { createMatrixClient } from '../matrix/create-matrix-client.ts';
import { connectCryptoWorker } from '../matrix/crypto/crypto-worker.ts';
import type { MatrixPlatform } from '../matrix/platform.ts';
import type { Session } from '../matrix/session/session.ts';
import { forgetSession, keepSession, readKeptSession } from './kept-session.ts';

/** What this browser hands to the core. */
const platform: MatrixPlatform = {
  fetch: (input, init) => fetch(input, init),
  XMLHttpRequest,
  WebSocket,
  hasIndexedDb: true,
  startCrypto: (options) => {
    const worker = new Worker(new URL('../crypto.worker.ts', import.meta.url), { type: 'module', name: 'crypto' });
    return connectCryptoWorker(worker, options);
  },
  now: () => Date.now(),
};

/** Who is signed in, and the client that speaks for them. */
export const useSessionStore = defineStore('session', () => {
  const client = shallowRef<MatrixClient>();
  const isStarting = ref(false);
  /** Set when the server ended the session, so that the sign-in page can say so. */
  const wasEnded = ref(false);
  /** The password of a sign-in just made: the server asks for it once more when the encryption is set up. Never stored. */
  let freshPassword: string | undefined;

  const isSignedIn = computed(() => client.value !== undefined);

  async function open(session: Session): Promise<void> {
    isStarting.value = true;
    try {
      const next = createMatrixClient({ session, platform, onSessionChanged: keepSession });
      next.syncStatus.subscribe((status) => {
        if (status.state === 'logged-out') endSession(next);
      });
      await next.start();
      client.value = next;
      wasEnded.value = false;
    } finally {
      isStarting.value = false;
    }
  }

  function endSession(ended: MatrixClient): void {
    if (client.value !== ended) return;
    wasEnded.value = true;
    client.value = undefined;
    forgetSession();
    void ended.stop();
  }

  /** Goes on with the session kept in this browser; false when there is none. */
  async function resume(): Promise<boolean> {
    if (client.value !== undefined) return true;
    const session = readKeptSession();
    if (session === undefined) return false;
    await open(session);
    return true;
  }

  /** Starts with a session just made by sign-in or sign-up. */
  async function begin(session: Session, password: string): Promise<void> {
    keepSession(session);
    freshPassword = password;
    await open(session);
  }

  async function signOut(): Promise<void> {
    const leaving = client.value;
    client.value = undefined;
    freshPassword = undefined;
    forgetSession();
    await leaving?.logout();
  }

  /** Hands the fresh password out once. */
  function takeFreshPassword(): string | undefined {
    const password = freshPassword;
    freshPassword = undefined;
    return password;
  }

  /** The client, in places that exist only while somebody is signed in. */
  function loadClient(): MatrixClient {
    if (client.value === undefined) throw new Error('Nobody is signed in');
    return client.value;
  }

  return { client, isStarting, isSignedIn, wasEnded, resume, begin, signOut, takeFreshPassword, loadClient };
});
