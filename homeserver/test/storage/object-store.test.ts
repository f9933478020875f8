import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../src/storage/object-store/object-store.ts';
import { findMinio, type OpenedStore, openFolderStore, openS3Store, startMinio, startS3rver } from '../kit/object-stores.ts';

const minio = findMinio();
const BACKENDS: readonly { name: string; open: (() => Promise<OpenedStore>) | undefined }[] = [
  { name: 'a folder', open: openFolderStore },
  { name: 'S3 (s3rver)', open: async () => openS3Store(await startS3rver()) },
  {
    name: minio === undefined ? 'MinIO: skipped, for no minio is in the path and BLINKCHAT_TEST_MINIO names none' : 'MinIO',
    open: minio === undefined ? undefined : async () => openS3Store(await startMinio(minio)),
  },
];

describe.each(BACKENDS)('$name', ({ name, open }) => {
  describe.skipIf(open === undefined)('as a store of objects', () => {
    let opened: OpenedStore | undefined;
    let store: ObjectStore;
    beforeAll(async () => {
      opened = await open?.();
      if (opened !== undefined) store = opened.store;
    });
    afterAll(() => opened?.[Symbol.asyncDispose]());

    const put = (key: string, bytes: Uint8Array) => store.put(key, Readable.from([bytes], { objectMode: false }));
    const read = async (key: string, range?: { first: number; last: number }) => {
      const stream = await store.open(key, range);
      return stream === undefined ? undefined : await buffer(stream);
    };

    test('gives back what it was given, small, empty and large', async () => {
      for (const [name, bytes] of [
        ['small', Buffer.from('hello')],
        ['empty', Buffer.alloc(0)],
        ['large', randomBytes(12 * 1024 * 1024)],
      ] as const) {
        await put(`local/aa/${name}`, bytes);
        expect((await read(`local/aa/${name}`))?.equals(bytes)).toBe(true);
      }
    });

    test('gives back a part', async () => {
      await put('local/ab/part', Buffer.from('0123456789'));
      expect(String(await read('local/ab/part', { first: 2, last: 4 }))).toBe('234');
      expect(String(await read('local/ab/part', { first: 9, last: 9 }))).toBe('9');
    });

    test('has nothing under a key that was never used, or was deleted; deleting that is no error', async () => {
      expect(await read('local/ac/nothing')).toBeUndefined();
      await put('local/ac/gone', Buffer.from('x'));
      await store.delete('local/ac/gone');
      await store.delete('local/ac/gone');
      expect(await read('local/ac/gone')).toBeUndefined();
    });

    test.each([10, 8 * 1024 * 1024])('keeps nothing of a stream that breaks after %i bytes', async (before) => {
      async function* broken(): AsyncGenerator<Buffer> {
        yield randomBytes(before);
        throw new Error('the line went dead');
      }
      await expect(store.put('local/ad/broken', Readable.from(broken(), { objectMode: false }))).rejects.toThrow('the line went dead');
      expect(await read('local/ad/broken')).toBeUndefined();
    });

    test('gives out addresses, if it does, that carry type and disposition in their signature', async () => {
      const { link } = store;
      if (link === undefined) return;
      await put('local/ae/linked', Buffer.from('<svg/>'));
      const address = await link('local/ae/linked', { contentType: 'image/svg+xml', contentDisposition: 'attachment; filename="a b.svg"' });
      const answer = await fetch(address);
      expect([answer.status, await answer.text()]).toEqual([200, '<svg/>']);
      expect(answer.headers.get('content-type')).toBe('image/svg+xml');
      expect(answer.headers.get('content-disposition')).toBe('attachment; filename="a b.svg"');
      if (name === 'MinIO') expect((await fetch(address.replace('attachment', 'inline'))).status).toBe(403); // s3rver looks at no signature
      const signatureOf = (link: string) => new URL(link).searchParams.get('X-Amz-Signature');
      const other = await link('local/ae/linked', { contentType: 'image/svg+xml', contentDisposition: 'inline; filename="a b.svg"' });
      expect(signatureOf(address)).toMatch(/^[0-9a-f]{64}$/);
      expect(signatureOf(other)).not.toBe(signatureOf(address));
    });
  });
});

test('a folder is never left by a key', async () => {
  await using opened = await openFolderStore();
  for (const key of ['../x', 'local/../../x', '/etc/passwd', 'local//x', 'local/a.b', '', 'local'])
    await expect(opened.store.open(key)).rejects.toThrow(/no key/);
});
