import type { CryptoEngine } from './crypto/crypto-engine.ts';

/**
 * What the core asks of the place it runs in: a page, a service worker or Node. Nothing here is looked up as a global,
 * so a host decides what a client may touch.
 */
export type MatrixPlatform = {
  fetch: typeof globalThis.fetch;
  /** Opens live connections; without it the client long-polls. */
  WebSocket?: typeof globalThis.WebSocket;
  /** Where rooms, timelines and unsent messages survive; without it everything is forgotten at `stop`. */
  indexedDB?: IDBFactory;
  /**
   * Starts the end-to-end encryption of one device: in a Worker (`connectCryptoWorker`) or in this thread (`createCryptoEngine`).
   * Without it, encrypted rooms show their events as undecryptable and refuse to send.
   */
  startCrypto?: (options: StartCryptoOptions) => Promise<CryptoEngine>;
  /** The time in milliseconds since 1970. */
  now: () => number;
};

export type StartCryptoOptions = {
  userId: string;
  deviceId: string;
  /** The name of the crypto store. */
  storeName: string;
  /** 32 random bytes that the crypto store is encrypted with. */
  storeKey: Uint8Array;
};
