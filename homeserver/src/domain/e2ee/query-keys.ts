import type { JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { tooLarge } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { findUserNids } from '../../storage/users.ts';
import { askServers, noAnswer, notAsked } from './ask-servers.ts';
import { checkCrossSigningKey, checkDeviceKeys, withUnsigned } from './check-keys.ts';
import type { ReadKeys, UserKeys } from './read-keys.ts';
import type { RemoteDeviceLists } from './remote-device-lists.ts';

/** Keys of people, by user id, in the wire's form. */
export type KeysAnswer = {
  deviceKeys: Record<string, Record<string, JsonObject>>;
  masterKeys: Record<string, JsonObject>;
  selfSigningKeys: Record<string, JsonObject>;
  userSigningKeys: Record<string, JsonObject>;
  /** Servers that did not answer. */
  failures: Record<string, JsonObject>;
};

type ToldKeys = {
  deviceKeys: Record<string, Record<string, JsonObject>>;
  masterKeys: Record<string, JsonObject>;
  selfSigningKeys: Record<string, JsonObject>;
};

/** Asks another server for keys of its users. https://spec.matrix.org/latest/server-server-api/#post_matrixfederationv1userkeysquery */
export type QueryRemoteKeys = (serverName: string, deviceKeys: Record<string, string[]>, timeoutMs: number) => Promise<ToldKeys>;

/** Asks whoever keeps keys of users of this server, outside of it; empty for users whose keys nobody else keeps. */
export type AskForKeys = (wanted: Readonly<Record<string, readonly string[]>>) => Promise<ToldKeys>;

export type QueryKeys = {
  /** https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3keysquery; an empty list asks for all devices. */
  forClient(requester: { userNid: number }, wanted: Readonly<Record<string, readonly string[]>>, timeoutMs: number): Promise<KeysAnswer>;
  /** What another server may know of people here. */
  forServer(wanted: Readonly<Record<string, readonly string[]>>): Promise<KeysAnswer>;
};

const MAX_USERS = 5_000;
const MAX_TIMEOUT_MS = 30_000;
const MAX_DEVICES_PER_USER = 1_000;

type Deps = {
  pool: Pool;
  readKeys: ReadKeys;
  remoteLists: RemoteDeviceLists;
  queryRemoteKeys: QueryRemoteKeys;
  askForKeys: AskForKeys;
  serverName: string;
};

export function createQueryKeys({ pool, readKeys, remoteLists, queryRemoteKeys, askForKeys, serverName }: Deps): QueryKeys {
  type Wanted = Readonly<Record<string, readonly string[]>>;

  async function readStored(userIds: readonly string[], viewer: { userNid: number } | undefined, wanted: Wanted, answer: KeysAnswer) {
    const nids = await findUserNids(pool, userIds);
    const users = [...nids].map(([userId, userNid]) => ({ userId, userNid }));
    for (const [userId, keys] of await readKeys(users, viewer)) addUser(answer, userId, keys, wanted[userId] ?? []);
  }

  /** The keys of users of here: what is stored, and over it what others keep of them. */
  async function readLocal(userIds: readonly string[], viewer: { userNid: number } | undefined, wanted: Wanted, answer: KeysAnswer) {
    if (userIds.length === 0) return;
    const asked = Object.fromEntries(userIds.map((userId) => [userId, wanted[userId] ?? []]));
    const [told] = await Promise.all([askForKeys(asked), readStored(userIds, viewer, wanted, answer)]);
    for (const userId of userIds) answer.deviceKeys[userId] ??= {};
    const toldOf = new Set(Object.values(told).flatMap((keys) => Object.keys(keys)));
    for (const userId of userIds) if (toldOf.has(userId)) await addTold(userId, told, answer, wanted[userId]);
  }

  /** What is tracked is answered from here; the rest is asked of each server. */
  async function askServer(
    server: string,
    userIds: readonly string[],
    viewer: { userNid: number },
    wanted: Wanted,
    timeoutMs: number,
    answer: KeysAnswer,
  ) {
    try {
      const { kept, unknown } = await remoteLists.refresh(userIds, timeoutMs);
      await readStored(kept, viewer, wanted, answer);
      if (unknown.length === 0) return;
      const asked = Object.fromEntries(unknown.map((userId) => [userId, [...(wanted[userId] ?? [])]]));
      const told = await queryRemoteKeys(server, asked, timeoutMs);
      for (const userId of unknown) await addTold(userId, told, answer);
    } catch {
      answer.failures[server] = noAnswer();
    }
  }

  return {
    async forClient(requester, wanted, timeoutMs) {
      const userIds = Object.keys(wanted);
      if (userIds.length > MAX_USERS) throw tooLarge(`The keys of at most ${MAX_USERS} people can be asked for at once`);
      const answer = emptyAnswer();
      const byServer = Map.groupBy(userIds, (userId) => serverNameOf(userId) ?? '');
      const remote = [...byServer].filter(([server]) => server !== serverName && server !== '');
      const patienceMs = Math.min(Math.max(timeoutMs, 1_000), MAX_TIMEOUT_MS);
      const idsOf = new Map(remote);
      const asking = askServers([...idsOf.keys()], {
        patienceMs,
        ask: (server) => askServer(server, idsOf.get(server) ?? [], requester, wanted, patienceMs, answer),
        missed: (server) => {
          answer.failures[server] = notAsked();
        },
      });
      await Promise.all([readLocal(byServer.get(serverName) ?? [], requester, wanted, answer), asking]);
      return answer;
    },
    async forServer(wanted) {
      const userIds = Object.keys(wanted);
      if (userIds.length > MAX_USERS) throw tooLarge(`The keys of at most ${MAX_USERS} people can be asked for at once`);
      const answer = emptyAnswer();
      await readLocal(
        userIds.filter((userId) => serverNameOf(userId) === serverName),
        undefined,
        wanted,
        answer,
      );
      for (const devices of Object.values(answer.deviceKeys)) {
        for (const [deviceId, keys] of Object.entries(devices)) devices[deviceId] = withUnsigned(keys);
      }
      return answer;
    },
  };
}

function emptyAnswer(): KeysAnswer {
  return { deviceKeys: {}, masterKeys: {}, selfSigningKeys: {}, userSigningKeys: {}, failures: {} };
}

function addUser(answer: KeysAnswer, userId: string, keys: UserKeys, wanted: readonly string[]): void {
  const devices = [...keys.devices].filter(([deviceId]) => wanted.length === 0 || wanted.includes(deviceId));
  answer.deviceKeys[userId] = Object.fromEntries(devices);
  if (keys.master !== undefined) answer.masterKeys[userId] = keys.master;
  if (keys.selfSigning !== undefined) answer.selfSigningKeys[userId] = keys.selfSigning;
  if (keys.userSigning !== undefined) answer.userSigningKeys[userId] = keys.userSigning;
}

/** Adds what others told of a user, as far as it is sound and of the wanted devices: of all when the list is empty. */
async function addTold(userId: string, told: ToldKeys, answer: KeysAnswer, wanted: readonly string[] = []): Promise<void> {
  const devices = Object.entries(ownValue(told.deviceKeys, userId) ?? {})
    .filter(([deviceId]) => wanted.length === 0 || wanted.includes(deviceId))
    .slice(0, MAX_DEVICES_PER_USER);
  const verdicts = await Promise.all(devices.map(([deviceId, keys]) => checkDeviceKeys(keys, { userId, deviceId })));
  const sound = Object.fromEntries(devices.filter((_device, index) => verdicts[index]?.allowed === true));
  answer.deviceKeys[userId] = { ...answer.deviceKeys[userId], ...sound };
  const master = ownValue(told.masterKeys, userId);
  if (checkCrossSigningKey(master, { userId, usage: 'master' }).allowed && master !== undefined) answer.masterKeys[userId] = master;
  const selfSigning = ownValue(told.selfSigningKeys, userId);
  if (checkCrossSigningKey(selfSigning, { userId, usage: 'self_signing' }).allowed && selfSigning !== undefined) {
    answer.selfSigningKeys[userId] = selfSigning;
  }
}

function ownValue<Value>(from: Record<string, Value>, key: string): Value | undefined {
  return Object.hasOwn(from, key) ? from[key] : undefined;
}
