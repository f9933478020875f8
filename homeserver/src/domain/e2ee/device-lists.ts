import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Pool, Sql } from '../../storage/database.ts';
import { deleteKeysOfGoneDevices } from '../../storage/device-keys.ts';
import {
  filterSharers,
  listChangedLocalMembers,
  listChangedSharers,
  listCompletedRooms,
  listMembershipChanges,
  listMembersOfRooms,
  listSharers,
  recordDeviceListChange,
  recordUpdateSent,
} from '../../storage/device-lists.ts';
import { filterDevices } from '../../storage/devices.ts';
import { insertOutbox } from '../../storage/federation-outbox.ts';
import type { Log } from '../streams/log.ts';
import type { StreamRow, Wakes } from '../streams/log-batch.ts';
import type { Notifier } from '../streams/notifier.ts';
import { withUnsigned } from './check-keys.ts';
import type { KeyCounts } from './key-counts.ts';
import type { ReadKeys } from './read-keys.ts';

export type User = { userNid: number; userId: string };
type Range = { after: number; upTo: number };

/** Who hears of a person's devices. */
export type Audience = { localNids: number[]; servers: string[] };

/** https://spec.matrix.org/latest/client-server-api/#tracking-the-device-list-for-a-user */
export type DeviceLists = {
  audienceOf(userNid: number): Promise<Audience>;
  /** Rows of the log that tell of changed keys: to local people, and by an update of one device each to other servers. */
  deviceRows(user: User, devices: readonly { deviceId: string; keys?: JsonObject }[], audience: Audience): StreamRow[];
  /** A row that tells of new cross-signing keys. */
  signingKeyRow(
    user: User,
    keys: { masterKey?: JsonObject | undefined; selfSigningKey?: JsonObject | undefined },
    audience: Audience,
  ): StreamRow;
  /** A row that tells local people only: of a person of another server, of a new name of a device. */
  localRow(userNid: number, audience: Pick<Audience, 'localNids'>): StreamRow;
  /** A row that tells one person of their own signature on another's key. */
  privateRow(userNid: number, seenBy: number): StreamRow;
  /** Tells local people that a person has a new device, which has no keys yet. */
  announceDevice(user: User): Promise<void>;
  /** Runs a write that renames or removes devices of a local person, and tells who is to know. */
  commitDeviceChange(user: User, deviceIds: readonly string[], write: (sql: Sql) => PromiseLike<unknown>): Promise<void>;
  /** Tells servers, of which it was not known that they are in a room, whose devices there changed since. */
  tellLateServers(room: { roomNid: number; after: number }, servers: readonly string[]): Promise<void>;
  /** Whose keys are to be asked for again, and whose need no longer be kept. */
  listChanges(user: { userNid: number } & Range): Promise<{ changed: string[]; left: string[] }>;
};

/** What stands for the devices of a person who has none with keys. */
const GONE_DEVICE = 'NONE';

type Deps = { pool: Pool; log: Log; notifier: Notifier; keyCounts: KeyCounts; readKeys: ReadKeys; serverName: string };

export function createDeviceLists({ pool, log, notifier, keyCounts, readKeys, serverName }: Deps): DeviceLists {
  const recent = createRecentChanges(log.position());
  notifier.onCommit(({ events, wakes, from, to }) => {
    const isOfMembers =
      events.some((event) => event.memberships.length > 0) || wakes.some(({ membershipsOf }) => membershipsOf !== undefined);
    if (isOfMembers) recent.add(from, to);
  });

  async function listAudience(userNid: number): Promise<Audience> {
    const { localNids, servers } = await listSharers(pool, userNid);
    return { localNids, servers: servers.filter((server) => server !== serverName) };
  }

  function rowOf(userNid: number, wakes: Wakes, seenBy?: number, also?: (sql: Sql, position: number) => Promise<void>): StreamRow {
    return {
      write: async (sql, position) => {
        recent.add(position, position);
        await Promise.all([recordDeviceListChange(sql, { position, userNid, seenBy }), also?.(sql, position)]);
      },
      wakes,
    };
  }

  /** Sends each server the update with the id of the one it was sent before, so that it can tell whether it missed one. */
  async function sendUpdate(sql: Sql, position: number, user: User, servers: readonly string[], update: JsonObject): Promise<void> {
    if (servers.length === 0) return;
    const before = await recordUpdateSent(sql, { userNid: user.userNid, servers, streamId: position });
    const contents = servers.map((destination) => {
      const prevId = before.get(destination);
      const content = { user_id: user.userId, stream_id: position, prev_id: prevId === undefined ? [] : [prevId], ...update };
      return { destination, content: JSON.stringify(content) };
    });
    await insertOutbox(sql, { position, eduType: 'm.device_list_update', contents });
  }

  const wakesOf = (user: User, { localNids, servers }: Audience): Wakes => ({ users: [...localNids, user.userNid], destinations: servers });

  function deviceRows(user: User, devices: readonly { deviceId: string; keys?: JsonObject }[], audience: Audience): StreamRow[] {
    return devices.map(({ deviceId, keys }) =>
      rowOf(user.userNid, wakesOf(user, audience), undefined, (sql, position) =>
        sendUpdate(sql, position, user, audience.servers, {
          device_id: deviceId,
          ...(keys === undefined ? { deleted: true } : { keys: withUnsigned(keys) }),
        }),
      ),
    );
  }

  return {
    audienceOf: listAudience,
    deviceRows,
    signingKeyRow: (user, { masterKey, selfSigningKey }, audience) =>
      rowOf(user.userNid, wakesOf(user, audience), undefined, async (sql, position) => {
        const content = JSON.stringify({
          user_id: user.userId,
          ...(masterKey === undefined ? {} : { master_key: masterKey }),
          ...(selfSigningKey === undefined ? {} : { self_signing_key: selfSigningKey }),
        });
        const contents = audience.servers.map((destination) => ({ destination, content }));
        await insertOutbox(sql, { position, eduType: 'm.signing_key_update', contents });
      }),
    localRow: (userNid, { localNids }) => rowOf(userNid, { users: [...localNids, userNid] }),
    privateRow: (userNid, seenBy) => rowOf(userNid, { users: [seenBy] }, seenBy),

    async announceDevice(user) {
      const { localNids } = await listAudience(user.userNid);
      await log.append({ rows: [rowOf(user.userNid, wakesOf(user, { localNids, servers: [] }))] });
    },

    async commitDeviceChange(user, deviceIds, write) {
      const audience = await listAudience(user.userNid);
      const keys = audience.servers.length === 0 ? undefined : (await readKeys([user], undefined)).get(user.userId)?.devices;
      let left: ReadonlySet<string> = new Set();
      // Rows are written at once: each waits for the write, which decides whether devices go or are merely renamed.
      let written: Promise<void> = Promise.resolve();
      const change = async (sql: Sql) => {
        await write(sql);
        await deleteKeysOfGoneDevices(sql, user.userNid);
        left = await filterDevices(sql, user.userNid, deviceIds);
      };
      const rows = deviceIds.map((deviceId) =>
        rowOf(user.userNid, wakesOf(user, audience), undefined, async (sql, position) => {
          await written;
          const deviceKeys = keys?.get(deviceId);
          const what = left.has(deviceId) ? (deviceKeys === undefined ? {} : { keys: withUnsigned(deviceKeys) }) : { deleted: true };
          await sendUpdate(sql, position, user, audience.servers, { device_id: deviceId, ...what });
        }),
      );
      const first: StreamRow = {
        write: (sql) => {
          written = change(sql);
          return written;
        },
        wakes: {},
      };
      await log.append({ rows: [first, ...rows] });
      for (const deviceId of deviceIds) if (!left.has(deviceId)) keyCounts.forget({ userNid: user.userNid, deviceId });
    },

    async tellLateServers({ roomNid, after }, servers) {
      if (servers.length === 0) return;
      const changed = await listChangedLocalMembers(pool, roomNid, after);
      if (changed.length === 0) return;
      const keys = await readKeys(changed, undefined);
      const rows = changed.map((user): StreamRow => {
        const [[deviceId, deviceKeys] = [GONE_DEVICE, undefined]] = keys.get(user.userId)?.devices ?? [];
        // It names an update before it that they have not seen: they ask for the whole list.
        const update = { user_id: user.userId, stream_id: user.position, prev_id: [after], device_id: deviceId };
        const content = JSON.stringify({
          ...update,
          ...(deviceKeys === undefined ? { deleted: true } : { keys: withUnsigned(deviceKeys) }),
        });
        return {
          write: async (sql, position) => {
            await recordUpdateSent(sql, { userNid: user.userNid, servers, streamId: user.position });
            const contents = servers.map((destination) => ({ destination, content }));
            await insertOutbox(sql, { position, eduType: 'm.device_list_update', contents });
          },
          wakes: { destinations: servers },
        };
      });
      await log.append({ rows });
    },

    async listChanges({ userNid, after, upTo }) {
      if (after <= 0 || upTo <= after || !recent.mayHave(after, upTo)) return { changed: [], left: [] };
      const range = { userNid, after, upTo };
      const [changed, memberships, completed] = await Promise.all([
        listChangedSharers(pool, range),
        listMembershipChanges(pool, range),
        listCompletedRooms(pool, range),
      ]);
      const { met, parted } = await compareMemberships(pool, userNid, memberships, completed);
      const all = new Set([...changed, ...met]);
      return { changed: [...all], left: parted.filter((userId) => !all.has(userId)) };
    },
  };
}

type MembershipChange = Awaited<ReturnType<typeof listMembershipChanges>>[number];

/** Who is met for the first time, in rooms entered or known completely only now too, and with whom no room is shared any more. */
async function compareMemberships(
  pool: Pool,
  userNid: number,
  changes: readonly MembershipChange[],
  completed: readonly number[],
): Promise<{ met: string[]; parted: string[] }> {
  const mine = changes.filter((change) => change.userNid === userNid);
  const entered = [...completed, ...mine.filter((change) => change.isJoined && !change.wasJoined).map((change) => change.roomNid)];
  const departed = mine.filter((change) => change.wasJoined && !change.isJoined).map((change) => change.roomNid);
  const others = changes.filter((change) => change.userNid !== userNid);

  const maybeMet: User[] = others.filter((change) => change.isJoined && !change.wasJoined);
  if (entered.length > 0) maybeMet.push(...(await listMembersOfRooms(pool, entered)));
  const maybeParted: User[] = others.filter((change) => change.wasJoined && !change.isJoined);
  if (departed.length > 0) maybeParted.push(...(await listMembersOfRooms(pool, departed)));

  // Rooms come and go between two syncs: what counts is with whom one is shared now.
  const concerned = [...new Set([...maybeMet, ...maybeParted].map((user) => user.userNid))];
  if (concerned.length === 0) return { met: [], parted: [] };
  const sharers = await filterSharers(pool, userNid, concerned);
  const namesOf = (users: readonly User[]) => [...new Set(users.map((user) => user.userId))];
  return {
    met: namesOf(maybeMet.filter((user) => user.userNid !== userNid && sharers.has(user.userNid))),
    parted: namesOf(maybeParted.filter((user) => user.userNid !== userNid && !sharers.has(user.userNid))),
  };
}

const MAX_RECENT = 4_096;

/** Where in the log device lists and memberships changed lately, so that most syncs need not ask the database. */
function createRecentChanges(floor: number) {
  const ranges: { from: number; to: number }[] = [];
  let knownFrom = floor;
  return {
    add(from: number, to: number): void {
      ranges.push({ from, to });
      if (ranges.length <= MAX_RECENT) return;
      for (const dropped of ranges.splice(0, MAX_RECENT / 2)) knownFrom = Math.max(knownFrom, dropped.to);
    },
    mayHave(after: number, upTo: number): boolean {
      return after < knownFrom || ranges.some(({ from, to }) => to > after && from <= upTo);
    },
  };
}
