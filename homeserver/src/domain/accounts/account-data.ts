import { matrixError, notFound, tooLarge } from '../../platform/matrix-error.ts';
import { countAccountData, findAccountData, listAccountDataChanges, upsertAccountData } from '../../storage/account-data.ts';
import type { Pool } from '../../storage/database.ts';
import { findRoom } from '../../storage/rooms.ts';
import { createActivity } from '../streams/activity.ts';
import type { Log } from '../streams/log.ts';
import type { StreamRow } from '../streams/log-batch.ts';
import type { Notifier } from '../streams/notifier.ts';

/** https://spec.matrix.org/latest/client-server-api/#client-config */
export type AccountData = {
  /** @throws M_NOT_FOUND */
  load(userNid: number, roomId: string | undefined, type: string): Promise<object>;
  find(userNid: number, roomId: string | undefined, type: string): Promise<object | undefined>;
  /** Stores an entry and wakes the person's devices; an empty one is removed. @throws M_BAD_JSON for a type with a way of its own, M_TOO_LARGE, M_NOT_FOUND */
  set(userNid: number, roomId: string | undefined, type: string, content: object): Promise<void>;
  /** Removes an entry; devices are told by its empty content. Nothing happens when there is none. Throws like `set`. */
  remove(userNid: number, roomId: string | undefined, type: string): Promise<void>;
  /** Removes what is kept for devices that are no more. */
  forgetDevices(userNid: number, deviceIds: readonly string[]): Promise<void>;
  /**
   * Changes an entry from what it is now; changes of one person take turns.
   *
   * `edit` gets the content as stored, or undefined; undefined back leaves it as it is.
   */
  edit(userNid: number, roomId: string | undefined, type: string, edit: (content: object | undefined) => object | undefined): Promise<void>;
};

const MAX_CONTENT_BYTES = 65_536;
const MAX_TYPE_BYTES = 255;
const MAX_ENTRIES = 20_000;
/** Types that have endpoints of their own. */
const MANAGED_TYPES: readonly string[] = ['m.fully_read', 'm.push_rules'];
/** Followed by a device id: whether that device shows notifications. https://github.com/matrix-org/matrix-spec-proposals/pull/3890 */
const DEVICE_TYPES: readonly string[] = ['m.local_notification_settings.', 'org.matrix.msc3890.local_notification_settings.'];

type AccountDataEntry = { userNid: number; roomNid: number | null; type: string; content: string; isDeleted?: boolean };

/** A row of the log that stores an entry of account data. `content` is JSON text. */
export function accountDataRow(entry: AccountDataEntry): StreamRow {
  return {
    write: (sql, position) => upsertAccountData(sql, { ...entry, position }),
    wakes: {
      users: [entry.userNid],
      accountDataOf: [entry.userNid],
      ...(entry.roomNid === null && entry.type === 'm.push_rules' ? { pushRulesOf: [entry.userNid] } : {}),
    },
  };
}

export function createAccountData({ pool, log }: { pool: Pool; log: Log }): AccountData {
  const turns = new Map<number, Promise<unknown>>();

  async function roomNidOf(roomId: string | undefined): Promise<number | null> {
    if (roomId === undefined) return null;
    const room = await findRoom(pool, roomId);
    if (room === undefined) throw notFound(`This server knows no room ${roomId}`);
    return room.roomNid;
  }

  async function find(userNid: number, roomId: string | undefined, type: string): Promise<object | undefined> {
    const content = await findAccountData(pool, userNid, await roomNidOf(roomId), type);
    return content === undefined ? undefined : parseObject(content);
  }

  async function store(userNid: number, roomNid: number | null, type: string, content: object): Promise<void> {
    const text = JSON.stringify(content);
    if (Buffer.byteLength(text) > MAX_CONTENT_BYTES) throw tooLarge(`Account data may have at most ${MAX_CONTENT_BYTES} bytes`);
    if (Buffer.byteLength(type) > MAX_TYPE_BYTES) throw tooLarge(`A type may have at most ${MAX_TYPE_BYTES} bytes`);
    if ((await countAccountData(pool, userNid)) >= MAX_ENTRIES)
      throw tooLarge(`An account may have at most ${MAX_ENTRIES} entries of account data`);
    await log.append({ rows: [accountDataRow({ userNid, roomNid, type, content: text })] });
  }

  async function remove(userNid: number, roomNid: number | null, type: string): Promise<void> {
    if ((await findAccountData(pool, userNid, roomNid, type)) === undefined) return;
    await log.append({ rows: [accountDataRow({ userNid, roomNid, type, content: '{}', isDeleted: true })] });
  }

  async function inTurn<Result>(userNid: number, work: () => Promise<Result>): Promise<Result> {
    const before = turns.get(userNid) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(work);
    turns.set(userNid, mine);
    try {
      return await mine;
    } finally {
      if (turns.get(userNid) === mine) turns.delete(userNid);
    }
  }

  return {
    find,
    async load(userNid, roomId, type) {
      const content = await find(userNid, roomId, type);
      if (content === undefined) throw notFound(`There is no account data of type ${type}`);
      return content;
    },
    async set(userNid, roomId, type, content) {
      checkMayBeSet(type);
      const roomNid = await roomNidOf(roomId);
      const isEmpty = Object.keys(content).length === 0;
      await inTurn(userNid, () => (isEmpty ? remove(userNid, roomNid, type) : store(userNid, roomNid, type, content)));
    },
    async remove(userNid, roomId, type) {
      checkMayBeSet(type);
      const roomNid = await roomNidOf(roomId);
      await inTurn(userNid, () => remove(userNid, roomNid, type));
    },
    async forgetDevices(userNid, deviceIds) {
      const types = deviceIds.flatMap((deviceId) => DEVICE_TYPES.map((prefix) => `${prefix}${deviceId}`));
      for (const type of types) await inTurn(userNid, () => remove(userNid, null, type));
    },
    async edit(userNid, roomId, type, edit) {
      const roomNid = await roomNidOf(roomId);
      await inTurn(userNid, async () => {
        const stored = await findAccountData(pool, userNid, roomNid, type);
        const edited = edit(stored === undefined ? undefined : parseObject(stored));
        if (edited !== undefined) await store(userNid, roomNid, type, edited);
      });
    },
  };
}

function checkMayBeSet(type: string): void {
  if (MANAGED_TYPES.includes(type)) throw matrixError(405, 'M_BAD_JSON', `${type} has endpoints of its own and cannot be set here`);
}

export function parseObject(text: string): object {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? value : {};
}

export type ListAccountData = (
  user: { userNid: number; userId: string },
  range: { after: number; upTo: number },
) => Promise<{ roomNid: number | null; type: string; content: string; position: number }[]>;

/** What sync shows of account data; with the default push rules for who has changed none. Who has changed nothing since costs nothing. */
export function createListAccountData(deps: {
  pool: Pool;
  log: Pick<Log, 'position'>;
  notifier: Pick<Notifier, 'onCommit'>;
  describePushRules: (userId: string, stored: string | undefined) => object;
}): ListAccountData {
  const changed = createActivity(deps.log.position());
  deps.notifier.onCommit(({ wakes, to }) => {
    for (const { accountDataOf } of wakes) for (const userNid of accountDataOf ?? []) changed.wrote(userNid, to);
  });

  return async function listAccountData({ userNid, userId }, { after, upTo }) {
    if (!changed.isActiveSince(after)(userNid)) return [];
    const rows = await listAccountDataChanges(deps.pool, userNid, { after, upTo });
    const isRules = (row: { roomNid: number | null; type: string }) => row.roomNid === null && row.type === 'm.push_rules';
    const shown = rows.map((row) =>
      isRules(row) ? { ...row, content: JSON.stringify(deps.describePushRules(userId, row.content)) } : row,
    );
    if (after > 0 || rows.some(isRules)) return shown;
    const content = JSON.stringify(deps.describePushRules(userId, undefined));
    return [{ roomNid: null, type: 'm.push_rules', content, position: 0 }, ...shown];
  };
}
