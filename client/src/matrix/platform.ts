import type { CryptoEngine } from './crypto/crypto-engine.ts';

/**
 * What the core asks of the place it runs in: a page, a service worker or Node. Nothing here is looked up as a global,
 * so a host decides what a client may touch.
 */
export type MatrixPlatform = {
  fetch: typeof globalThis.fetch;
  /** Uploads with progress in a page; without it `fetch` does, and progress jumps from 0 to 1. */
  XMLHttpRequest?: typeof globalThis.XMLHttpRequest;
  /** Opens live connections; without it the client long-polls. */
  WebSocket?: typeof globalThis.WebSocket;
  /**
   * Whether there is an IndexedDB (a global one: the crypto store and `idb` look for it there; in Node install `fake-indexeddb`),
   * where rooms, timelines and unsent messages survive. Without it everything is forgotten at `stop`.
   */
  hasIndexedDb: boolean;
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
