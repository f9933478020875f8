import type { Readable } from 'node:stream';

/** Bytes of an object, from the first to the last one wanted, both included. */
export type ByteRange = { first: number; last: number };

/** Where bytes are kept by key. A key is made by us: letters, digits and slashes. */
export type ObjectStore = {
  /** Keeps all bytes of the stream, or nothing: when the stream fails, so does this, and the key stays empty. */
  put: (key: string, stream: Readable) => Promise<void>;
  /** The bytes under a key, or some of them; undefined when there are none. */
  open: (key: string, range?: ByteRange) => Promise<Readable | undefined>;
  /** Removes the bytes; an absent key is no error. */
  delete: (key: string) => Promise<void>;
  /** An address at which anybody can read the bytes for a short while, served with these headers; absent when there is none to give. */
  link?: (key: string, headers: { contentType: string; contentDisposition: string }) => Promise<string>;
};
