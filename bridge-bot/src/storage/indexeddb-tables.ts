import type { DatabaseSync } from 'node:sqlite';
import { deserialize, serialize } from 'node:v8';
import { decodeIndexedDbKey, encodeIndexedDbKey } from './indexeddb-key.ts';
import { inTransaction } from './open-bot-database.ts';
import type { RawDatabase, RawIndex, RawRecord, RawStore } from './raw-indexeddb.ts';

export type StoredSchema = { name: string; version: number; stores: StoreSchema[] };
export type StoreSchema = {
  name: string;
  keyPath: string | string[] | null;
  autoIncrement: boolean;
  /** The last number that an auto-incrementing store gave. */
  lastNumber: number;
  indexes: RawIndex[];
};

/** IndexedDB databases as rows. */
export type IndexedDbTables = {
  listSchemas(prefix: string): StoredSchema[];
  listRecords(database: string, store: string): RawRecord[];
  /** Replaces all that is stored of the database, after its stores or indexes changed. */
  replace(database: RawDatabase): void;
  /** Writes the present values of these keys. */
  write(database: RawDatabase, changes: readonly { store: RawStore; keys: Iterable<IDBValidKey> }[]): void;
  remove(database: string): void;
};

export function createIndexedDbTables(sql: DatabaseSync): IndexedDbTables {
  const putSchema = sql.prepare(
    'insert into idb_databases values (?, ?, ?) on conflict do update set version = excluded.version, stores = excluded.stores',
  );
  const putRecord = sql.prepare('insert into idb_records values (?, ?, ?, ?) on conflict do update set value = excluded.value');
  const deleteRecord = sql.prepare('delete from idb_records where database = ? and store = ? and key = ?');
  const deleteRecords = sql.prepare('delete from idb_records where database = ?');
  const deleteSchema = sql.prepare('delete from idb_databases where name = ?');

  function writeRecord(database: string, store: string, { key, value }: RawRecord): void {
    const bytes = serializeValue(value);
    if (bytes !== undefined) putRecord.run(database, store, encodeIndexedDbKey(key), bytes);
  }

  function writeSchema({ name, version, rawObjectStores }: RawDatabase): void {
    putSchema.run(name, version, JSON.stringify([...rawObjectStores.values()].map(schemaOf)));
  }

  return {
    listSchemas(prefix) {
      const rows = sql.prepare('select name, version, stores from idb_databases where substr(name, 1, length(?)) = ?').all(prefix, prefix);
      return rows.map(({ name, version, stores }) => ({
        name: String(name),
        version: Number(version),
        stores: JSON.parse(String(stores)),
      }));
    },
    listRecords(database, store) {
      const rows = sql.prepare('select key, value from idb_records where database = ? and store = ?').all(database, store);
      return rows.map(({ key, value }) => ({ key: decodeIndexedDbKey(String(key)), value: deserializeValue(value) }));
    },
    replace(database) {
      inTransaction(sql, () => {
        deleteRecords.run(database.name);
        writeSchema(database);
        for (const store of database.rawObjectStores.values())
          for (const record of store.records.values()) writeRecord(database.name, store.name, record);
      });
    },
    write(database, changes) {
      inTransaction(sql, () => {
        if (changes.some(({ store }) => store.autoIncrement)) writeSchema(database);
        for (const { store, keys } of changes) {
          for (const key of keys) {
            const record = store.records.get(key);
            if (record === undefined) deleteRecord.run(database.name, store.name, encodeIndexedDbKey(key));
            else writeRecord(database.name, store.name, record);
          }
        }
      });
    },
    remove(database) {
      inTransaction(sql, () => {
        deleteRecords.run(database);
        deleteSchema.run(database);
      });
    },
  };
}

function schemaOf({ name, keyPath, autoIncrement, keyGenerator, rawIndexes }: RawStore): StoreSchema {
  const indexes = [...rawIndexes.values()].map((index) => ({
    name: index.name,
    keyPath: index.keyPath,
    multiEntry: index.multiEntry,
    unique: index.unique,
  }));
  return { name, keyPath, autoIncrement, lastNumber: keyGenerator?.num ?? 0, indexes };
}

/** A value that only lives in this process (a file that waits for its upload) is not stored: it would be lost at a restart of a browser, too. */
function serializeValue(value: unknown): Uint8Array | undefined {
  try {
    return serialize(value);
  } catch (error) {
    if (error instanceof Error && error.name === 'DataCloneError') return undefined;
    if (error instanceof Error && /could not be cloned/.test(error.message)) return undefined;
    throw error;
  }
}

function deserializeValue(stored: unknown): unknown {
  if (!(stored instanceof Uint8Array)) throw new Error('A stored value cannot be read; the file is damaged');
  return deserialize(stored);
}
