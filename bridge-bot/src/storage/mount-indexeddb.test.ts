import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDB } from 'idb';
import { expect, test } from 'vitest';
import { createIndexedDbTables } from './indexeddb-tables.ts';
import { mountIndexedDb } from './mount-indexeddb.ts';
import { openBotDatabase } from './open-bot-database.ts';

/** A folder in which the IndexedDB may be opened again and again, each time with nothing but the disk to remember. */
async function startDisk() {
  const folder = await mkdtemp(join(tmpdir(), 'bcb-idb-'));
  return {
    async open() {
      const sql = openBotDatabase(folder);
      const failures: unknown[] = [];
      const unmount = await mountIndexedDb({
        prefix: 'kept/',
        tables: createIndexedDbTables(sql),
        onWriteFailure: (error) => failures.push(error),
      });
      return {
        failures,
        [Symbol.dispose]() {
          unmount();
          sql.close();
        },
      };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function openHouses(version = 1) {
  return await openDB('kept/verona', version, {
    upgrade(db, from) {
      if (from < 1) db.createObjectStore('people', { keyPath: ['house', 'name'] }).createIndex('by-age', 'age');
      if (from < 1) db.createObjectStore('letters', { autoIncrement: true });
      if (from < 2 && version >= 2) db.createObjectStore('swords');
    },
  });
}

test('what was committed is there after a restart, with its indexes and counters', async () => {
  await using disk = await startDisk();
  {
    using mounted = await disk.open();
    const db = await openHouses();
    await db.put('people', { house: 'Montague', name: 'Romeo', age: 16 });
    await db.put('people', { house: 'Capulet', name: 'Juliet', age: 13, key: new Uint8Array([1, 2, 3]) });
    await db.put('people', { house: 'Capulet', name: 'Tybalt', age: 20 });
    await db.add('letters', 'the first');
    await db.delete('people', ['Capulet', 'Tybalt']);
    db.close();
    expect(mounted.failures).toEqual([]);
  }
  using _mounted = await disk.open();
  const db = await openHouses();
  await expect(db.getAllFromIndex('people', 'by-age')).resolves.toMatchObject([
    { name: 'Juliet', key: new Uint8Array([1, 2, 3]) },
    { name: 'Romeo' },
  ]);
  await expect(db.add('letters', 'the second')).resolves.toBe(2);
  db.close();
});

test('a transaction that was aborted leaves nothing on the disk', async () => {
  await using disk = await startDisk();
  {
    using _mounted = await disk.open();
    const db = await openHouses();
    await db.put('people', { house: 'Montague', name: 'Romeo', age: 16 });
    const transaction = db.transaction('people', 'readwrite');
    transaction.done.catch(() => undefined);
    await transaction.store.put({ house: 'Montague', name: 'Romeo', age: 99 });
    await transaction.store.clear();
    transaction.abort();
    await expect(transaction.done).rejects.toThrow();
    await db.add('letters', 'after it');
    db.close();
  }
  using _mounted = await disk.open();
  const db = await openHouses();
  await expect(db.getAll('people')).resolves.toEqual([{ house: 'Montague', name: 'Romeo', age: 16 }]);
  db.close();
});

test('an upgrade keeps what was there, and its new stores are kept, too', async () => {
  await using disk = await startDisk();
  {
    using _mounted = await disk.open();
    const before = await openHouses();
    await before.put('people', { house: 'Montague', name: 'Romeo', age: 16 });
    before.close();
  }
  {
    using _mounted = await disk.open();
    const upgraded = await openHouses(2);
    await upgraded.put('swords', 'a rapier', new Date(1595));
    upgraded.close();
  }
  using _mounted = await disk.open();
  const db = await openHouses(2);
  await expect(db.get('people', ['Montague', 'Romeo'])).resolves.toMatchObject({ age: 16 });
  await expect(db.get('swords', new Date(1595))).resolves.toBe('a rapier');
  db.close();
});
