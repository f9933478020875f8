import { ClientEvent, createClient, type MatrixClient, MatrixEventEvent, RoomEvent, SyncState } from 'matrix-js-sdk';
import type { Logger } from 'matrix-js-sdk/lib/logger.js';

const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => silent };

export type JsSdkAccount = { userId: string; deviceId: string; accessToken: string };

export type JsSdkClient = AsyncDisposable & {
  matrix: MatrixClient;
  /** Texts of messages by others, decrypted, as they come. */
  heard: string[];
  /** Answers with this key when secret storage is opened. */
  useRecoveryKey(key: Uint8Array<ArrayBuffer>): void;
};

/** The Matrix foundation's own client library, which shares no code with ours, with its own rust crypto. */
export async function startJsSdkClient(url: string, account: JsSdkAccount, givenKey?: Uint8Array<ArrayBuffer>): Promise<JsSdkClient> {
  let recoveryKey = givenKey;
  const matrix = createClient({
    baseUrl: url,
    ...account,
    logger: silent,
    cryptoCallbacks: {
      getSecretStorageKey: async ({ keys }) => {
        const [keyId] = Object.keys(keys);
        return keyId === undefined || recoveryKey === undefined ? null : [keyId, recoveryKey];
      },
    },
  });
  const heard: string[] = [];
  matrix.on(RoomEvent.Timeline, (event) => {
    if (event.getSender() === account.userId) return;
    const read = (): void => {
      if (event.getType() === 'm.room.message' && !event.isDecryptionFailure()) heard.push(String(event.getContent()['body']));
    };
    if (event.isEncrypted()) event.on(MatrixEventEvent.Decrypted, read);
    else read();
  });
  await matrix.initRustCrypto({ useIndexedDB: false });
  await matrix.startClient({ initialSyncLimit: 20 });
  await new Promise<void>((resolve, reject) => {
    matrix.on(ClientEvent.Sync, (state, _old, data) => {
      if (state === SyncState.Prepared) resolve();
      if (state === SyncState.Error) reject(data?.error ?? new Error('The sync failed'));
    });
  });
  const useRecoveryKey = (key: Uint8Array<ArrayBuffer>): void => {
    recoveryKey = key;
  };
  return { matrix, heard, useRecoveryKey, [Symbol.asyncDispose]: async () => matrix.stopClient() };
}
