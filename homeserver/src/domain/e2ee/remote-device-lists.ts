import { type DeviceListUpdateEdu, DeviceListUpdateEduSchema, SigningKeyUpdateEduSchema } from 'federation-spec/api/schemas/edus.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { Compile } from 'typebox/compile';
import type { Logger } from '../../platform/logger.ts';
import { listCrossSigningKeys, upsertCrossSigningKey } from '../../storage/cross-signing-keys.ts';
import type { Pool, Sql } from '../../storage/database.ts';
import { deleteDeviceKeys, hasMoreDevicesThan, replaceDeviceKeys, upsertDeviceKeys } from '../../storage/device-keys.ts';
import {
  filterKnownRemotes,
  listRemoteDeviceLists,
  markRemoteDeviceListsStale,
  markStaleInAbandonedRooms,
  saveFetchedDeviceList,
  upsertRemoteDeviceList,
} from '../../storage/device-lists.ts';
import { findUserNids } from '../../storage/users.ts';
import type { Log } from '../streams/log.ts';
import type { Notifier } from '../streams/notifier.ts';
import { checkCrossSigningKey, checkDeviceKeys, crossSigningPublicKey, own, withoutUnsigned } from './check-keys.ts';
import type { DeviceLists } from './device-lists.ts';
import { createResyncs } from './resyncs.ts';

/** A person's devices as their server tells them. https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1userdevicesuserid */
export type RemoteDevices = {
  streamId: number;
  /** Device names are whatever the other server says. */
  devices: { deviceId: string; keys: JsonObject; displayName?: unknown }[];
  masterKey?: JsonObject;
  selfSigningKey?: JsonObject;
};
export type FetchRemoteDevices = (userId: string, timeoutMs: number) => Promise<RemoteDevices>;

/**
 * Keeps the device lists of people of other servers who share a room with somebody here.
 * https://spec.matrix.org/latest/server-server-api/#device-management
 */
export type RemoteDeviceLists = {
  /**
   * Brings the kept lists of people of one server up to date.
   *
   * @returns `kept`: who is tracked, and whose keys are stored now; `unknown`: who shares no room with anybody here
   * @throws when their server does not answer
   */
  refresh(userIds: readonly string[], timeoutMs: number): Promise<{ kept: string[]; unknown: string[] }>;
  /** Takes an `m.device_list_update`. What is malformed, or of another server's user, is dropped. */
  receiveDeviceListUpdate(origin: string, content: unknown): Promise<void>;
  /** Takes an `m.signing_key_update`. */
  receiveSigningKeyUpdate(origin: string, content: unknown): Promise<void>;
};

/** How many devices of one person of another server are kept. */
const MAX_DEVICES = 1_000;
const FETCHES_AT_ONCE = 5;
/** How many characters of the name of a device are kept. */
const MAX_NAME_LENGTH = 100;
const LEAVE_OR_BAN: ReadonlySet<number> = new Set([3, 4]);

type Deps = {
  pool: Pool;
  log: Log;
  notifier: Notifier;
  deviceLists: DeviceLists;
  fetchRemoteDevices: FetchRemoteDevices;
  serverName: string;
  logger: Logger;
};

export function createRemoteDeviceLists(deps: Deps): RemoteDeviceLists {
  const { pool, log, notifier, deviceLists, fetchRemoteDevices, serverName, logger } = deps;
  const isDeviceListUpdate = Compile(DeviceListUpdateEduSchema);
  const isSigningKeyUpdate = Compile(SigningKeyUpdateEduSchema);
  const refreshes = new Map<number, Promise<void>>();
  const resyncLater = createResyncs({ refresh: refreshOne, logger });

  // Who shares no room any more sends no updates: the list is asked for again before it is used.
  notifier.onCommit(({ events }) => {
    const left = events.flatMap(({ row, memberships }) =>
      memberships.filter(({ membership }) => LEAVE_OR_BAN.has(membership)).map(({ userNid }) => ({ userNid, roomNid: row.roomNid })),
    );
    if (left.length === 0) return;
    Promise.all([
      markRemoteDeviceListsStale(
        pool,
        left.map(({ userNid }) => userNid),
      ),
      markStaleInAbandonedRooms(pool, [...new Set(left.map(({ roomNid }) => roomNid))]),
    ]).catch((error: unknown) => logger.warn({ err: error }, 'device lists could not be marked as stale'));
  });

  /** Asks for a person's list, or waits for who is asking already, unless an update came since. */
  async function refreshOne(userId: string, userNid: number, timeoutMs: number): Promise<void> {
    const asking =
      refreshes.get(userNid) ??
      fetchList(userId, userNid, timeoutMs).finally(() => {
        if (refreshes.get(userNid) === asking) refreshes.delete(userNid);
      });
    refreshes.set(userNid, asking);
    await asking;
  }

  async function fetchList(userId: string, userNid: number, timeoutMs: number): Promise<void> {
    const [list] = await listRemoteDeviceLists(pool, [userNid]);
    const fetched = await fetchRemoteDevices(userId, timeoutMs);
    const devices: { deviceId: string; keys: string }[] = [];
    for (const { deviceId, keys, displayName } of fetched.devices.slice(0, MAX_DEVICES)) {
      const verdict = await checkDeviceKeys(keys, { userId, deviceId });
      if (verdict.allowed) devices.push({ deviceId, keys: keptText(keys, displayName) });
    }
    const signing = await readSigningKeys(userId, { master_key: fetched.masterKey, self_signing_key: fetched.selfSigningKey });
    await pool.begin(async (sql) => {
      const isTracked = (await filterKnownRemotes(sql, [userNid])).has(userNid);
      await saveFetchedDeviceList(sql, { userNid, streamId: fetched.streamId, before: list?.streamId ?? 0, isTracked });
      await replaceDeviceKeys(sql, userNid, devices);
      for (const key of signing) await upsertCrossSigningKey(sql, { userNid, ...key });
    });
  }

  async function tell(userNid: number, rider: (sql: Sql) => PromiseLike<unknown>): Promise<void> {
    const audience = await deviceLists.audienceOf(userNid);
    await log.append({ rows: [deviceLists.localRow(userNid, audience)], riders: [rider] });
  }

  /** The number of a user who is tracked: of the origin, and in a room with somebody here. */
  async function findTracked(origin: string, userId: string): Promise<number | undefined> {
    if (serverNameOf(userId) !== origin || origin === serverName) return undefined;
    const userNid = (await findUserNids(pool, [userId])).get(userId);
    if (userNid === undefined || !(await filterKnownRemotes(pool, [userNid])).has(userNid)) return undefined;
    return userNid;
  }

  async function receiveDeviceListUpdate(origin: string, content: unknown): Promise<void> {
    if (!isDeviceListUpdate.Check(content)) return;
    const userNid = await findTracked(origin, content.user_id);
    if (userNid === undefined) return;
    const [list] = await listRemoteDeviceLists(pool, [userNid]);
    const { stream_id: given, prev_id: before = [] } = content;
    const isOld = list !== undefined && given <= list.streamId;
    if (isOld && !list.isStale && before.length > 0) return; // seen already

    // What is old and names nothing before it is of a server that counts anew.
    const follows = list !== undefined && !list.isStale && !isOld && before.every((id) => id <= list.streamId);
    const change = follows ? await readChange(userNid, content) : undefined;
    await tell(userNid, async (sql) => {
      const streamId = Math.max(given, list?.streamId ?? 0);
      await upsertRemoteDeviceList(sql, { userNid, streamId, isStale: change === undefined });
      await change?.(sql);
    });
    if (change !== undefined) return;
    refreshes.delete(userNid); // what was asked for before it does not have it
    resyncLater(content.user_id, userNid);
  }

  /** What an update changes; undefined when it is unsound, and the whole list has to be asked for. */
  async function readChange(
    userNid: number,
    { user_id: userId, device_id: deviceId, deleted, keys, device_display_name: displayName }: DeviceListUpdateEdu,
  ): Promise<((sql: Sql) => PromiseLike<unknown>) | undefined> {
    if (deleted === true || keys === undefined) return (sql) => deleteDeviceKeys(sql, userNid, deviceId);
    const verdict = await checkDeviceKeys(keys, { userId, deviceId });
    if (!verdict.allowed || (await hasMoreDevicesThan(pool, userNid, { most: MAX_DEVICES - 1, except: deviceId }))) return undefined;
    const text = keptText(keys as JsonObject, displayName);
    return (sql) => upsertDeviceKeys(sql, userNid, deviceId, text);
  }

  return {
    receiveDeviceListUpdate,
    async receiveSigningKeyUpdate(origin, content) {
      if (!isSigningKeyUpdate.Check(content)) return;
      const userNid = await findTracked(origin, content.user_id);
      if (userNid === undefined) return;
      const keys = await readSigningKeys(content.user_id, content);
      const stored = await listCrossSigningKeys(pool, [userNid]);
      const fresh = keys.filter(({ usage, key }) => !stored.some((row) => row.usage === usage && row.key === key));
      if (fresh.length === 0) return;
      await tell(userNid, async (sql) => {
        for (const key of fresh) await upsertCrossSigningKey(sql, { userNid, ...key });
      });
    },
    async refresh(userIds, timeoutMs) {
      const nids = await findUserNids(pool, userIds);
      const tracked = await filterKnownRemotes(pool, [...nids.values()]);
      const lists = new Map((await listRemoteDeviceLists(pool, [...tracked])).map((list) => [list.userNid, list]));
      const due = [...nids].filter(([, userNid]) => tracked.has(userNid) && (lists.get(userNid)?.isStale ?? true));
      for (let at = 0; at < due.length; at += FETCHES_AT_ONCE) {
        await Promise.all(due.slice(at, at + FETCHES_AT_ONCE).map(([userId, userNid]) => refreshOne(userId, userNid, timeoutMs)));
      }
      const isTracked = (userId: string) => tracked.has(nids.get(userId) ?? -1);
      return { kept: userIds.filter(isTracked), unknown: userIds.filter((userId) => !isTracked(userId)) };
    },
  };
}

/** What is kept of a device's keys: what is signed, and the device's name where its server tells it. */
function keptText(keys: JsonObject, displayName: unknown): string {
  const name = displayName ?? own(keys['unsigned'], 'device_display_name');
  const unsigned = typeof name === 'string' ? { unsigned: { device_display_name: name.slice(0, MAX_NAME_LENGTH) } } : {};
  return JSON.stringify({ ...withoutUnsigned(keys), ...unsigned });
}

type SigningKeys = { master_key?: unknown; self_signing_key?: unknown };

/** The sound ones among a person's cross-signing keys, ready to be stored. */
async function readSigningKeys(userId: string, { master_key: master, self_signing_key: selfSigning }: SigningKeys) {
  const given = [
    { usage: 'master' as const, key: master },
    { usage: 'self_signing' as const, key: selfSigning },
  ];
  return given.flatMap(({ usage, key }) => {
    if (key === undefined || !checkCrossSigningKey(key, { userId, usage }).allowed) return [];
    const publicKey = crossSigningPublicKey(key);
    return publicKey === undefined ? [] : [{ usage, publicKey, key: JSON.stringify(key) }];
  });
}
