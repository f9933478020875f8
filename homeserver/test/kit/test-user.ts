type Json = Record<string, unknown>;

/** An answer as it came, good or bad. */
export type Answer = { status: number; body: Json; headers: Headers };

/** A room event as a client sees it. */
export type ClientEvent = {
  event_id: string;
  type: string;
  sender: string;
  content: Json;
  state_key?: string;
  origin_server_ts: number;
  unsigned?: Json;
};

/** A small Matrix client for tests: one account, one device, plain HTTP. */
export type TestUser = {
  id: string;
  /** What is before the colon of its id. */
  localpart: string;
  deviceId: string;
  accessToken: string;
  /** Calls the server; throws on anything but 2xx. */
  call(method: string, path: string, body?: unknown): Promise<Json>;
  /** Calls the server and gives the answer, whatever it is. */
  attempt(method: string, path: string, body?: unknown): Promise<Answer>;
  createRoom(options?: Json): Promise<string>;
  join(room: string, options?: { via?: readonly string[] }): Promise<string>;
  invite(roomId: string, userId: string): Promise<void>;
  leave(roomId: string): Promise<void>;
  /** Sends a text message, or an event of another type; returns its id. */
  send(roomId: string, message: string | Json, type?: string): Promise<string>;
  setState(roomId: string, type: string, content: Json, stateKey?: string): Promise<string>;
  state(roomId: string): Promise<ClientEvent[]>;
  event(roomId: string, eventId: string): Promise<ClientEvent>;
  messages(roomId: string, options?: { limit?: number; dir?: 'b' | 'f' }): Promise<ClientEvent[]>;
  /** One `/sync`; goes on from the last one unless `since` is given. Sections of rooms that were left out, being empty, are there. */
  sync(options?: { since?: string; timeoutMs?: number; filter?: string }): Promise<Json>;
  /** The next event of a room's timeline that this user has not been given yet, and that is of `type`. */
  nextEvent(roomId: string, type?: string, options?: { timeoutMs?: number }): Promise<ClientEvent>;
  /** The next `m.room.message`. */
  nextMessage(roomId: string): Promise<ClientEvent>;
};

export const TEST_PASSWORD = 'wherefore art thou';
const CLIENT = '/_matrix/client/v3';
const NEXT_EVENT_TIMEOUT_MS = 15_000;
const POLL_MS = 5_000;

/** Calls a server without an access token, or with the given one. */
export async function callServer(url: string, method: string, path: string, body?: unknown, accessToken?: string): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text), headers: response.headers };
}

/**
 * Gives names to the accounts of one server: the first who wants a name gets it, the next ones get it with a number. So a scene can be
 * played again on a server that it shares with others, as long as it reads `user.id` and `user.localpart`.
 */
export function createNames(): (wished: string) => string {
  const given = new Map<string, number>();
  return (wished) => {
    const times = (given.get(wished) ?? 0) + 1;
    given.set(wished, times);
    return times === 1 ? wished : `${wished}-${times}`;
  };
}

/** Signs up with `m.login.dummy` and gives a client for the account. */
export async function registerTestUser(url: string, localpart: string): Promise<TestUser> {
  const answer = await callServer(url, 'POST', `${CLIENT}/register`, {
    username: localpart,
    password: TEST_PASSWORD,
    auth: { type: 'm.login.dummy' },
  });
  return toUser(url, answer, `sign up ${localpart}`);
}

/** Logs in with the password of the test kit's accounts: a new device. */
export async function logInTestUser(url: string, localpart: string): Promise<TestUser> {
  const answer = await callServer(url, 'POST', `${CLIENT}/login`, {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: localpart },
    password: TEST_PASSWORD,
  });
  return toUser(url, answer, `log in ${localpart}`);
}

function toUser(url: string, { status, body }: Answer, what: string): TestUser {
  if (status !== 200) throw new Error(`could not ${what}: ${status} ${JSON.stringify(body)}`);
  return createTestUser(url, {
    id: String(body['user_id']),
    deviceId: String(body['device_id']),
    accessToken: String(body['access_token']),
  });
}

type Identity = Pick<TestUser, 'id' | 'deviceId' | 'accessToken'>;

/** A client for an account that exists. */
export function createTestUser(url: string, identity: Identity): TestUser {
  const attempt: TestUser['attempt'] = (method, path, body) => callServer(url, method, path, body, identity.accessToken);
  const call: TestUser['call'] = async (method, path, body) => {
    const answer = await attempt(method, path, body);
    if (answer.status >= 300) throw new Error(`${identity.id}: ${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const localpart = identity.id.slice(1, identity.id.indexOf(':'));
  return { ...identity, localpart, attempt, call, ...roomCalls(call), ...createSyncing(call) };
}

const room = (roomId: string) => `${CLIENT}/rooms/${encodeURIComponent(roomId)}`;
let transactions = 0;

function roomCalls(call: TestUser['call']) {
  return {
    createRoom: async (options: Json = {}) => String((await call('POST', `${CLIENT}/createRoom`, options))['room_id']),
    join: async (target: string, options: { via?: readonly string[] } = {}) => {
      const via = (options.via ?? []).map((server) => `via=${encodeURIComponent(server)}`).join('&');
      return String((await call('POST', `${CLIENT}/join/${encodeURIComponent(target)}?${via}`, {}))['room_id']);
    },
    invite: async (roomId: string, userId: string) => void (await call('POST', `${room(roomId)}/invite`, { user_id: userId })),
    leave: async (roomId: string) => void (await call('POST', `${room(roomId)}/leave`, {})),
    send: async (roomId: string, message: string | Json, type = 'm.room.message') => {
      transactions += 1;
      const content = typeof message === 'string' ? { msgtype: 'm.text', body: message } : message;
      const txnId = `${process.pid}.${transactions}`;
      return String((await call('PUT', `${room(roomId)}/send/${encodeURIComponent(type)}/${txnId}`, content))['event_id']);
    },
    setState: async (roomId: string, type: string, content: Json, stateKey = '') => {
      const path = `${room(roomId)}/state/${encodeURIComponent(type)}/${encodeURIComponent(stateKey)}`;
      return String((await call('PUT', path, content))['event_id']);
    },
    state: async (roomId: string) => (await call('GET', `${room(roomId)}/state`)) as unknown as ClientEvent[],
    event: async (roomId: string, eventId: string) =>
      (await call('GET', `${room(roomId)}/event/${encodeURIComponent(eventId)}`)) as unknown as ClientEvent,
    messages: async (roomId: string, { limit = 100, dir = 'b' }: { limit?: number; dir?: 'b' | 'f' } = {}) => {
      const { chunk } = await call('GET', `${room(roomId)}/messages?dir=${dir}&limit=${limit}`);
      return chunk as ClientEvent[];
    },
  };
}

function createSyncing(call: TestUser['call']) {
  let since: string | undefined;
  const unseen = new Map<string, ClientEvent[]>();

  const sync: TestUser['sync'] = async (options = {}) => {
    const from = options.since ?? since;
    const query = new URLSearchParams({ timeout: String(options.timeoutMs ?? 0) });
    if (from !== undefined) query.set('since', from);
    if (options.filter !== undefined) query.set('filter', options.filter);
    const body = await call('GET', `${CLIENT}/sync?${query}`);
    since = String(body['next_batch']);
    for (const [roomId, events] of timelinesOf(body)) unseen.set(roomId, [...(unseen.get(roomId) ?? []), ...events]);
    return withRoomSections(body);
  };

  const nextEvent: TestUser['nextEvent'] = async (roomId, type, { timeoutMs = NEXT_EVENT_TIMEOUT_MS } = {}) => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const events = unseen.get(roomId) ?? [];
      const index = events.findIndex((event) => type === undefined || event.type === type);
      const event = events[index];
      if (event !== undefined) {
        unseen.set(roomId, events.slice(index + 1));
        return event;
      }
      unseen.set(roomId, []);
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw new Error(`no ${type ?? 'event'} in ${roomId} within ${timeoutMs} ms`);
      await sync({ timeoutMs: Math.min(POLL_MS, leftMs) });
    }
  };

  return { sync, nextEvent, nextMessage: (roomId: string) => nextEvent(roomId, 'm.room.message') };
}

/** A sync with all four sections of rooms, the empty ones too. */
export function withRoomSections(body: Json): Json {
  return { ...body, rooms: { join: {}, invite: {}, knock: {}, leave: {}, ...(body['rooms'] as object | undefined) } };
}

function timelinesOf(body: Json): [string, ClientEvent[]][] {
  const joined = (body['rooms'] as { join?: Record<string, { timeline?: { events?: ClientEvent[] } }> } | undefined)?.join ?? {};
  return Object.entries(joined).map(([roomId, part]) => [roomId, part.timeline?.events ?? []]);
}
