import { createHmac, randomBytes } from 'node:crypto';
import { createCleanup } from '../kit/cleanup.ts';
import { startServers } from '../kit/start-servers.ts';
import { callServer, createTestUser, registerTestUser, type TestUser } from '../kit/test-user.ts';

/** One of two homeservers that federate. */
export type Side = { name: string; url: string; user: (localpart: string) => Promise<TestUser> };
export type Sides = AsyncDisposable & { ours: Side; theirs: Side };

const { BLINKCHAT_INTEROP_URL, BLINKCHAT_INTEROP_SERVER_NAME, BLINKCHAT_INTEROP_REGISTRATION_SECRET, BLINKCHAT_INTEROP_NAME } = process.env;
/** The newest room version that the other side knows, when it is not ours. */
const { BLINKCHAT_INTEROP_ROOM_VERSION: defaultRoomVersion = '12' } = process.env;

/**
 * Whether there is another homeserver to play with. `BLINKCHAT_INTEROP_URL` is where its clients reach it (`self`: a second one of ours),
 * `…_SERVER_NAME` what it is called, `…_REGISTRATION_SECRET` the secret of its shared-secret registration, `…_ROOM_VERSION` the version that
 * rooms are made with unless a scene says so. It must reach servers named
 * `localhost:<port>` and trust any certificate.
 */
export const hasOtherSide = BLINKCHAT_INTEROP_URL !== undefined;
if (!hasOtherSide) console.info('no homeserver to play with: BLINKCHAT_INTEROP_URL is not set, and the interop scenes are skipped');

let accounts = 0;
/** Accounts of the other side outlive a test run. */
function unique(localpart: string): string {
  accounts += 1;
  return `${localpart}-${Date.now().toString(36)}-${accounts}`;
}

export async function startSides(): Promise<Sides> {
  const cleanup = createCleanup();
  const isSelf = BLINKCHAT_INTEROP_URL === 'self';
  const servers = cleanup.use(
    await startServers(isSelf ? 2 : 1, {
      config: { outboundTlsVerify: false, registrationSecret: 'of the house', presence: true, defaultRoomVersion },
    }),
  );
  const [own, second] = [servers.at(0), isSelf ? servers.at(1) : undefined];
  const ours: Side = { name: own.name, url: own.url, user: (localpart) => registerTestUser(own.url, unique(localpart)) };
  const other = second ?? { url: BLINKCHAT_INTEROP_URL ?? '', name: BLINKCHAT_INTEROP_SERVER_NAME ?? '' };
  const secret = second === undefined ? (BLINKCHAT_INTEROP_REGISTRATION_SECRET ?? '') : 'of the house';
  const theirs: Side = { name: other.name, url: other.url, user: (localpart) => registerBySecret(other.url, unique(localpart), secret) };
  return { ours, theirs, [Symbol.asyncDispose]: cleanup.run };
}

/** What the other side is called in the names of tests. */
export const otherSideName = BLINKCHAT_INTEROP_NAME ?? 'another homeserver';

/** Signs up an account by shared-secret registration. */
export async function registerBySecret(url: string, localpart: string, secret: string): Promise<TestUser> {
  const path = '/_synapse/admin/v1/register';
  const { nonce } = (await callServer(url, 'GET', path)).body;
  const password = randomBytes(12).toString('hex');
  const mac = createHmac('sha1', secret).update([nonce, localpart, password, 'notadmin'].join('\0')).digest('hex');
  const { status, body } = await callServer(url, 'POST', path, { nonce, username: localpart, password, admin: false, mac });
  if (status !== 200) throw new Error(`could not sign up ${localpart}: ${status} ${JSON.stringify(body)}`);
  return createTestUser(url, {
    id: String(body['user_id']),
    deviceId: String(body['device_id']),
    accessToken: String(body['access_token']),
  });
}

export const V3 = '/_matrix/client/v3';
export const roomPath = (roomId: string) => `${V3}/rooms/${encodeURIComponent(roomId)}`;
/** How long to wait for what one side has to hear from the other. */
export const WAIT = { timeout: 30_000, interval: 200 };

/** The memberships as one side knows them. */
export async function membersOf(user: TestUser, roomId: string): Promise<Record<string, unknown>> {
  const members = (await user.state(roomId)).filter((event) => event.type === 'm.room.member');
  return Object.fromEntries(members.map((event) => [event.state_key, event.content['membership']]));
}

/** The texts of the messages that one side shows, oldest first. */
export async function textsOf(user: TestUser, roomId: string, limit = 100): Promise<unknown[]> {
  const events = await user.messages(roomId, { limit });
  return events
    .filter((event) => event.type === 'm.room.message')
    .map((event) => event.content['body'])
    .reverse();
}

/** The whole state, in a form that two sides can compare. */
export async function stateIdsOf(user: TestUser, roomId: string): Promise<string[]> {
  return (await user.state(roomId)).map((event) => event.event_id).sort();
}

type SyncBody = {
  rooms?: {
    invite?: Record<string, { invite_state: { events: { type: string; sender: string; content: Record<string, unknown> }[] } }>;
    join?: Record<string, { ephemeral?: { events: { type: string; content: Record<string, unknown> }[] } }>;
    leave?: Record<string, unknown>;
  };
  to_device?: { events: { type: string; sender: string; content: Record<string, unknown> }[] };
  device_lists?: { changed?: string[]; left?: string[] };
  presence?: { events: { type: string; sender: string; content: Record<string, unknown> }[] };
};

/** Goes on with `/sync` until something is there. */
export async function syncUntil<Result>(user: TestUser, find: (body: SyncBody) => Result | undefined): Promise<Result> {
  const deadline = Date.now() + WAIT.timeout;
  while (Date.now() < deadline) {
    const found = find((await user.sync({ timeoutMs: 1_000 })) as SyncBody);
    if (found !== undefined) return found;
  }
  throw new Error(`${user.id} was not told within ${WAIT.timeout} ms`);
}
