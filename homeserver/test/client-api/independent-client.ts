import { ClientEvent, createClient, type MatrixClient, MatrixEventEvent, RoomEvent, SyncState } from 'matrix-js-sdk';
import type { Logger } from 'matrix-js-sdk/lib/logger.js';
import type { TestUser } from '../kit/test-user.ts';

const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => silent };

export type IndependentClient = AsyncDisposable & { matrix: MatrixClient };

/** A client that shares no code with ours, with its own implementation of Olm. */
export async function startClient(
  server: { url: string },
  user: TestUser,
  recoveryKey?: { privateKey?: Uint8Array<ArrayBuffer> },
): Promise<IndependentClient> {
  const matrix = createClient({
    baseUrl: server.url,
    userId: user.id,
    deviceId: user.deviceId,
    accessToken: user.accessToken,
    logger: silent,
    cryptoCallbacks: {
      getSecretStorageKey: async ({ keys }) => {
        const [keyId] = Object.keys(keys);
        return keyId === undefined || recoveryKey?.privateKey === undefined ? null : [keyId, recoveryKey.privateKey];
      },
    },
  });
  await matrix.initRustCrypto({ useIndexedDB: false });
  await matrix.startClient({ initialSyncLimit: 20 });
  await new Promise<void>((resolve, reject) => {
    matrix.on(ClientEvent.Sync, (state, _old, data) => {
      if (state === SyncState.Prepared) resolve();
      if (state === SyncState.Error) reject(data?.error ?? new Error('sync failed'));
    });
  });
  return {
    matrix,
    async [Symbol.asyncDispose]() {
      matrix.stopClient();
    },
  };
}

/** Resolves with the text of a message from another once it is decrypted. */
export function nextText({ matrix }: IndependentClient, roomId: string): Promise<string> {
  return new Promise((resolve, reject) => {
    matrix.on(RoomEvent.Timeline, (event, room) => {
      if (room?.roomId !== roomId || event.getSender() === matrix.getUserId()) return;
      const read = () => {
        if (event.isDecryptionFailure()) reject(new Error(String(event.getContent()['body'])));
        else if (event.getType() === 'm.room.message') resolve(String(event.getContent()['body']));
      };
      if (event.isEncrypted()) event.on(MatrixEventEvent.Decrypted, read);
      else read();
    });
  });
}

/** The initial state of an encrypted room. */
export const ENCRYPTED = [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }];
