import { createHash } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import { tooLarge } from '../../platform/matrix-error.ts';
import type { ObjectStore } from '../../storage/object-store/object-store.ts';

/** What was stored. */
export type Received = { bytes: number; sha256: string };

/** Stores a stream of at most `maxBytes`, counting and hashing on the way. Throws M_TOO_LARGE, with nothing stored. */
export async function receiveBytes(store: ObjectStore, key: string, stream: Readable, maxBytes: number): Promise<Received> {
  const hash = createHash('sha256');
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) return done(tooLarge(`The file is larger than the ${maxBytes} bytes allowed here.`));
      hash.update(chunk);
      done(null, chunk);
    },
  });
  stream.on('error', (error) => counter.destroy(error));
  const onAbort = (): void => {
    if (!stream.readableEnded) counter.destroy(new Error('the upload was broken off'));
  };
  stream.on('close', onAbort);
  await store.put(key, stream.pipe(counter));
  return { bytes, sha256: hash.digest('hex') };
}

/** Bytes in memory as a stream. */
export function streamOf(bytes: Uint8Array): Readable {
  return Readable.from([bytes], { objectMode: false });
}
