import { createHash } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import { tooLarge } from '../../platform/matrix-error.ts';
import type { ObjectStore } from '../../storage/object-store/object-store.ts';

/** What was stored. */
export type Received = { bytes: number; sha256: string };

/** Whoever sends the bytes stopped in the middle. */
export class BrokenUpload extends Error {
  override readonly name = 'BrokenUpload';
}

/** Stores a stream of at most `maxBytes`, counting and hashing on the way. Throws M_TOO_LARGE and `BrokenUpload`, with nothing stored. */
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
  counter.on('error', () => undefined); // whoever reads it is told, and may have stopped listening
  stream.on('error', (cause) => counter.destroy(new BrokenUpload('the bytes stopped coming', { cause })));
  const onAbort = (): void => {
    if (!stream.readableEnded) counter.destroy(new BrokenUpload('the upload was broken off'));
  };
  stream.on('close', onAbort);
  try {
    await store.put(key, stream.pipe(counter));
  } catch (error) {
    stream.off('close', onAbort).destroy();
    throw error;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Bytes in memory as a stream. */
export function streamOf(bytes: Uint8Array): Readable {
  return Readable.from([bytes], { objectMode: false });
}
