import type { DatabaseSync } from 'node:sqlite';
import type { JsonValue } from 'client/matrix/json.ts';

/** Small values of a bot or one of its parts, kept on disk as JSON. */
export type KvStore = {
  get(key: string): JsonValue | undefined;
  set(key: string, value: JsonValue): void;
  delete(key: string): void;
  /** Keys that begin so, sorted. */
  list(prefix?: string): string[];
};

/** A part's own keys: what stands in other namespaces cannot be reached. */
export function createKvStore(sql: DatabaseSync, namespace: string): KvStore {
  const get = sql.prepare('select value from kv where namespace = ? and key = ?');
  const set = sql.prepare('insert into kv values (?, ?, ?) on conflict do update set value = excluded.value');
  const remove = sql.prepare('delete from kv where namespace = ? and key = ?');
  const list = sql.prepare('select key from kv where namespace = ? and substr(key, 1, length(?)) = ? order by key');
  return {
    get(key) {
      const row = get.get(namespace, key);
      return row === undefined ? undefined : JSON.parse(String(row['value']));
    },
    set: (key, value) => void set.run(namespace, key, JSON.stringify(value)),
    delete: (key) => void remove.run(namespace, key),
    list: (prefix = '') => list.all(namespace, prefix, prefix).map((row) => String(row['key'])),
  };
}
