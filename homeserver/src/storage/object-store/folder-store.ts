import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ObjectStore } from './object-store.ts';

const KEY = /^[a-z0-9]+(?:\/[A-Za-z0-9_-]+)+$/;

/** Objects as files of a folder. A file appears under its key when it is whole and on the disk. */
export function createFolderStore(folder: string): ObjectStore {
  function pathOf(key: string): string {
    if (!KEY.test(key)) throw new Error(`${key} is no key of an object`);
    return join(folder, ...key.split('/'));
  }

  return {
    put: async (key, stream) => {
      const path = pathOf(key);
      const draft = join(folder, `draft-${randomUUID()}`);
      await mkdir(dirname(path), { recursive: true });
      try {
        await pipeline(stream, createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true }));
        await rename(draft, path);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    },
    open: async (key, range) => {
      try {
        const file = await open(pathOf(key));
        return file.createReadStream(range === undefined ? {} : { start: range.first, end: range.last });
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    delete: (key) => rm(pathOf(key), { force: true }),
  };
}
