import {
  IDBCursor,
  IDBCursorWithValue,
  IDBDatabase,
  IDBFactory,
  IDBIndex,
  IDBKeyRange,
  IDBObjectStore,
  IDBOpenDBRequest,
  IDBRequest,
  IDBTransaction,
  IDBVersionChangeEvent,
} from 'fake-indexeddb';
import type { IndexedDbTables, StoredSchema } from './indexeddb-tables.ts';
import { type RawDatabase, type RawStore, rawDatabaseOf, watchStore } from './raw-indexeddb.ts';

export type MountOptions = {
  /** Databases whose names begin so are kept in `tables`; others of this process are forgotten when it ends. */
  prefix: string;
  tables: IndexedDbTables;
  /** A commit could not be written. What changed is written with the next one that can. */
  onWriteFailure: (error: unknown) => void;
};

type Mount = {
  prefix: string;
  factory: IDBFactory;
  onCommit(connection: IDBDatabase, isUpgrade: boolean): void;
  onDeleted(name: string): void;
};

const GLOBALS = {
  IDBCursor,
  IDBCursorWithValue,
  IDBDatabase,
  IDBFactory,
  IDBIndex,
  IDBKeyRange,
  IDBObjectStore,
  IDBOpenDBRequest,
  IDBRequest,
  IDBTransaction,
  IDBVersionChangeEvent,
};

const mounts: Mount[] = [];
let isInstalled = false;

/**
 * Gives this process an IndexedDB (a global one: the crypto engine looks there) whose databases of one prefix survive restarts.
 * They live in memory; each transaction is written to the disk before anybody is told that it is complete.
 * Returns how to let go of them: close their connections first.
 */
export async function mountIndexedDb({ prefix, tables, onWriteFailure }: MountOptions): Promise<() => void> {
  install();
  if (mounts.some((mount) => mount.prefix.startsWith(prefix) || prefix.startsWith(mount.prefix)))
    throw new Error(`The databases of ${prefix} are open in this process already`);

  const factory = new IDBFactory();
  const dirty = new Map<RawStore, Set<IDBValidKey>>();
  for (const schema of tables.listSchemas(prefix)) watch(await restore(factory, schema, tables), dirty);

  function writeChanges(connection: IDBDatabase, isUpgrade: boolean): void {
    const raw = rawDatabaseOf(connection);
    if (isUpgrade) {
      tables.replace(raw);
      watch(raw, dirty);
      return;
    }
    const changes = [...raw.rawObjectStores.values()].flatMap((store) => {
      const keys = dirty.get(store);
      return keys === undefined || keys.size === 0 ? [] : [{ store, keys: [...keys] }];
    });
    if (changes.length === 0) return;
    tables.write(raw, changes);
    for (const { store } of changes) dirty.get(store)?.clear();
  }

  const mount: Mount = {
    prefix,
    factory,
    onDeleted: (name) => tables.remove(name),
    onCommit(connection, isUpgrade) {
      try {
        writeChanges(connection, isUpgrade);
      } catch (error) {
        onWriteFailure(error);
      }
    },
  };
  mounts.push(mount);
  return () => void mounts.splice(mounts.indexOf(mount), 1);
}

/** Remembers which records of each store differ from the disk. */
function watch(raw: RawDatabase, dirty: Map<RawStore, Set<IDBValidKey>>): void {
  for (const store of raw.rawObjectStores.values()) {
    if (dirty.has(store)) continue;
    const keys = new Set<IDBValidKey>();
    dirty.set(store, keys);
    watchStore(store, (key) => keys.add(key));
  }
}

/** Builds a database as it was: its stores and indexes by the public interface, the records straight into them. */
async function restore(factory: IDBFactory, schema: StoredSchema, tables: IndexedDbTables): Promise<RawDatabase> {
  const request = factory.open(schema.name, schema.version);
  request.onupgradeneeded = () => {
    for (const { name, keyPath, autoIncrement, indexes } of schema.stores) {
      const store = request.result.createObjectStore(name, { keyPath, autoIncrement });
      for (const index of indexes) store.createIndex(index.name, index.keyPath, { multiEntry: index.multiEntry, unique: index.unique });
    }
  };
  await new Promise<void>((resolve, reject) => {
    request.onsuccess = () => resolve();
    request.onerror = () => reject(new Error(`The stored database ${schema.name} cannot be opened`, { cause: request.error }));
  });
  const raw = rawDatabaseOf(request.result);
  for (const { name, lastNumber } of schema.stores) {
    const store = raw.rawObjectStores.get(name);
    if (store === undefined) continue;
    for (const record of tables.listRecords(schema.name, name)) store.storeRecord(record, false);
    if (store.keyGenerator !== null) store.keyGenerator.num = Math.max(store.keyGenerator.num, lastNumber);
  }
  request.result.close();
  return raw;
}

/** Puts a factory in the global place that asks the mounts first, and has transactions tell them when they are complete. */
function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  const findMount = (name: string): Mount | undefined => mounts.find(({ prefix }) => name.startsWith(prefix));

  const unmounted = new IDBFactory();
  const router = Object.assign(new IDBFactory(), {
    open: (name: string, version?: number) => (findMount(name)?.factory ?? unmounted).open(name, version),
    deleteDatabase(name: string) {
      const mount = findMount(name);
      const request = (mount?.factory ?? unmounted).deleteDatabase(name);
      request.addEventListener('success', () => mount?.onDeleted(name));
      return request;
    },
  });

  const openTransaction = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function transaction(this: IDBDatabase, names, mode, options) {
    const opened = openTransaction.call(this, names, mode, options);
    const mount = findMount(this.name);
    // The first listener of all: nobody hears of a commit that is not on the disk.
    if (opened.mode !== 'readonly') opened.addEventListener('complete', () => mount?.onCommit(this, opened.mode === 'versionchange'));
    return opened;
  };

  for (const [name, value] of Object.entries({ ...GLOBALS, indexedDB: router }))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
