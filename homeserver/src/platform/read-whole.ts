import type { Readable } from 'node:stream';

/** Reads a stream whole. As soon as it is longer than `maxBytes`, what `refuse` makes is thrown and the stream is read no further. */
export async function readWhole(stream: Readable, maxBytes: number, refuse: () => Error): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw refuse();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
