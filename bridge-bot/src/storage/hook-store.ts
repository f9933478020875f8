import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';

export type Hook = {
  hookId: string;
  roomId: string;
  name: string;
  /** How its senders speak; recognised request by request when it is not said. */
  dialect: string | undefined;
  /** SHA-256 of the secret in its address. */
  secretHash: Uint8Array;
  /** What senders sign with; unsigned requests are refused when there is one. Kept as it is, since signatures are checked with it. */
  signingSecret: string | undefined;
  createdBy: string;
  createdAtMs: number;
  isEnabled: boolean;
};

export type HookStore = {
  put(hook: Hook): void;
  find(hookId: string): Hook | undefined;
  list(roomId: string): Hook[];
  setSigningSecret(hookId: string, signingSecret: string): void;
  delete(hookId: string): void;
};

export function createHookStore(sql: DatabaseSync): HookStore {
  const put = sql.prepare('insert into hooks values (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const find = sql.prepare('select * from hooks where hook_id = ?');
  const list = sql.prepare('select * from hooks where room_id = ? order by created_at_ms, hook_id');
  const sign = sql.prepare('update hooks set signing_secret = ? where hook_id = ?');
  const remove = sql.prepare('delete from hooks where hook_id = ?');
  return {
    put(hook) {
      const { hookId, roomId, name, dialect, secretHash, signingSecret, createdBy, createdAtMs, isEnabled } = hook;
      put.run(hookId, roomId, name, dialect ?? null, secretHash, signingSecret ?? null, createdBy, createdAtMs, isEnabled ? 1 : 0);
    },
    find(hookId) {
      const row = find.get(hookId);
      return row === undefined ? undefined : toHook(row);
    },
    list: (roomId) => list.all(roomId).map(toHook),
    setSigningSecret: (hookId, signingSecret) => void sign.run(signingSecret, hookId),
    delete: (hookId) => void remove.run(hookId),
  };
}

function toHook(row: Record<string, SQLOutputValue>): Hook {
  const secretHash = row['secret_hash'];
  return {
    hookId: String(row['hook_id']),
    roomId: String(row['room_id']),
    name: String(row['name']),
    dialect: row['dialect'] === null ? undefined : String(row['dialect']),
    secretHash: secretHash instanceof Uint8Array ? secretHash : new Uint8Array(),
    signingSecret: row['signing_secret'] === null ? undefined : String(row['signing_secret']),
    createdBy: String(row['created_by']),
    createdAtMs: Number(row['created_at_ms']),
    isEnabled: row['is_enabled'] === 1,
  };
}
