import type { Readable } from 'node:stream';

/** Where bytes are kept by key. A key is made by us: letters, digits and slashes. */
export type ObjectStore = {
  /** Keeps all bytes of the stream, or nothing: when the stream fails, so does this, and the key stays empty. */
  put: (key: string, stream: Readable) => Promise<void>;
  /** The bytes under a key; undefined when there are none. */
  open: (key: string) => Promise<Readable | undefined>;
  /** Removes the bytes; an absent key is no error. */
  delete: (key: string) => Promise<void>;
};
