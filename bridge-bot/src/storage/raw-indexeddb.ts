/** As much of the insides of fake-indexeddb 6 as writing through to a disk needs. */
export type RawDatabase = { name: string; version: number; rawObjectStores: Map<string, RawStore> };

export type RawStore = {
  name: string;
  keyPath: string | string[] | null;
  autoIncrement: boolean;
  keyGenerator: { num: number } | null;
  rawIndexes: Map<string, RawIndex>;
  records: RawRecords;
  storeRecord(record: RawRecord, noOverwrite: boolean): unknown;
};

export type RawIndex = { name: string; keyPath: string | string[]; multiEntry: boolean; unique: boolean };
export type RawRecord = { key: IDBValidKey; value: unknown };

export type RawRecords = {
  get(key: IDBValidKey): RawRecord | undefined;
  put(record: RawRecord, noOverwrite?: boolean): RawRecord | undefined;
  delete(key: IDBValidKey | IDBKeyRange): RawRecord[];
  clear(): RawRecord[];
  values(): Iterable<RawRecord>;
};

/** The database behind a connection. Throws when fake-indexeddb has changed so that it is no longer there. */
export function rawDatabaseOf(connection: IDBDatabase): RawDatabase {
  const raw: unknown = Reflect.get(connection, '_rawDatabase');
  const stores = typeof raw === 'object' && raw !== null ? Reflect.get(raw, 'rawObjectStores') : undefined;
  if (!(stores instanceof Map)) throw new Error('This version of fake-indexeddb is not known here; use 6.2.8');
  return raw as RawDatabase; // The shape above was read off 6.2.8, which package.json pins to its minor version.
}

/** Calls `onKey` for every record that is written or removed from now on, roll-backs included. */
export function watchStore(store: RawStore, onKey: (key: IDBValidKey) => void): void {
  const { records } = store;
  const { put, delete: remove, clear } = records;
  records.put = (record, noOverwrite) => {
    onKey(record.key);
    return put.call(records, record, noOverwrite);
  };
  records.delete = (key) => tellAll(remove.call(records, key));
  records.clear = () => tellAll(clear.call(records));

  function tellAll(removed: RawRecord[]): RawRecord[] {
    for (const { key } of removed) onKey(key);
    return removed;
  }
}
