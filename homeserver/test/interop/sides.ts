import { createHmac, randomBytes } from 'node:crypto';
import { createCleanup } from '../kit/cleanup.ts';
import { startServers } from '../kit/start-servers.ts';
import { callServer, createTestUser, registerTestUser, type TestUser } from '../kit/test-user.ts';

/** One of two homeservers that federate. */
export type Side = { name: string; url: string; user: (localpart: string) => Promise<TestUser> };
export type Sides = AsyncDisposable & { ours: Side; theirs: Side };

const { BLINKCHAT_INTEROP_URL, BLINKCHAT_INTEROP_SERVER_NAME, BLINKCHAT_INTEROP_REGISTRATION_SECRET, BLINKCHAT_INTEROP_NAME } = process.env;
/** The newest room version that the other side knows, when it is not ours. */
export const { BLINKCHAT_INTEROP_ROOM_VERSION: defaultRoomVersion = '12' } = process.env;

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

/** The other side, `self` when it is to be a further one of ours. */
export const otherSide: Side | 'self' | undefined = findOtherSide();

function findOtherSide(): Side | 'self' | undefined {
  if (BLINKCHAT_INTEROP_URL === undefined) return undefined;
  if (BLINKCHAT_INTEROP_URL === 'self') return 'self';
  const address = { url: BLINKCHAT_INTEROP_URL, name: BLINKCHAT_INTEROP_SERVER_NAME ?? '' };
  return sideBySecret(address, BLINKCHAT_INTEROP_REGISTRATION_SECRET ?? '');
}

type Address = { url: string; name: string };

/** One of our servers. */
export function sideOf({ url, name }: Address): Side {
  return { name, url, user: (localpart) => registerTestUser(url, unique(localpart)) };
}

function sideBySecret({ url, name }: Address, secret: string): Side {
  return { name, url, user: (localpart) => registerBySecret(url, unique(localpart), secret) };
}

/** One of ours, and the other side. */
export async function startSides(): Promise<Sides> {
  const cleanup = createCleanup();
  const isSelf = otherSide === 'self';
  const servers = cleanup.use(
    await startServers(isSelf ? 2 : 1, {
      config: { outboundTlsVerify: false, registrationSecret: 'of the house', presence: true, defaultRoomVersion },
    }),
  );
  const theirs = otherSide === undefined || otherSide === 'self' ? sideBySecret(servers.at(1), 'of the house') : otherSide;
  return { ours: sideOf(servers.at(0)), theirs, [Symbol.asyncDispose]: cleanup.run };
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

/** Who may do what in a room, as one side knows it. */
export async function powersOf(user: TestUser, roomId: string): Promise<Record<string, unknown> & { users: Record<string, number> }> {
  const content = (await user.state(roomId)).find((event) => event.type === 'm.room.power_levels')?.content ?? {};
  return { ...content, users: { ...(content['users'] as Record<string, number> | undefined) } };
}

/** Gives people power. */
export async function empower(user: TestUser, roomId: string, levels: Record<string, number>): Promise<void> {
  const powers = await powersOf(user, roomId);
  await user.setState(roomId, 'm.room.power_levels', { ...powers, users: { ...powers.users, ...levels } });
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
