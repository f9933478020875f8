import { call, register, type Target } from './http-user.ts';
import { type Figures, measure } from './measure.ts';
import type { Step } from './step.ts';

const CLIENT = '/_matrix/client/v3';
const SLIDING = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';
const ROOMS = 500;
/** Each of them with so many messages, more than a sync brings. */
const MESSAGES_PER_ROOM = 12;
const SETUP_AT_ONCE = 8;
const LISTENERS = 100;
const WAIT_MS = 30_000;

/** By target, the account that is in many rooms: it takes long to make. */
const busyAccounts = new WeakMap<Target, Promise<string>>();

const roomPath = (roomId: unknown) => `${CLIENT}/rooms/${encodeURIComponent(String(roomId))}`;
let transactions = 0;

async function say(target: Target, token: string, roomId: unknown, body: string): Promise<void> {
  transactions += 1;
  await call(target, 'PUT', `${roomPath(roomId)}/send/m.room.message/s${transactions}`, token, { msgtype: 'm.text', body });
}

async function makeBusyAccount(target: Target): Promise<string> {
  const [host, guest] = [await register(target), await register(target)];
  await measure(ROOMS, SETUP_AT_ONCE, async (index) => {
    const { room_id: roomId } = await call(target, 'POST', `${CLIENT}/createRoom`, host, { preset: 'public_chat', name: `Room ${index}` });
    await call(target, 'POST', `${CLIENT}/join/${encodeURIComponent(String(roomId))}`, guest, {});
    for (let count = 0; count < MESSAGES_PER_ROOM; count += 1) await say(target, host, roomId, `message ${count}`);
  });
  return guest;
}

async function busyAccount(target: Target): Promise<string> {
  const made = busyAccounts.get(target) ?? makeBusyAccount(target);
  busyAccounts.set(target, made);
  return await made;
}

async function firstSyncs(target: Target, filter: object): Promise<Figures> {
  const token = await busyAccount(target);
  const path = `${CLIENT}/sync?filter=${encodeURIComponent(JSON.stringify(filter))}`;
  return await measure(5, 1, () => call(target, 'GET', path, token));
}

const lists = {
  all: {
    ranges: [[0, 19]],
    timeline_limit: 1,
    required_state: [
      ['m.room.create', ''],
      ['m.room.member', '$LAZY'],
      ['m.room.member', '$ME'],
    ],
  },
};
const extensions = { to_device: { enabled: true }, e2ee: { enabled: true }, account_data: { enabled: true }, receipts: { enabled: true } };

/** A room and people in it, each with the token of a first sync. */
async function gather(target: Target, count: number) {
  const speaker = await register(target);
  const { room_id: roomId } = await call(target, 'POST', `${CLIENT}/createRoom`, speaker, { preset: 'public_chat' });
  const listeners: { token: string; since: string }[] = [];
  await measure(count, SETUP_AT_ONCE, async () => {
    const token = await register(target);
    await call(target, 'POST', `${CLIENT}/join/${encodeURIComponent(String(roomId))}`, token, {});
    listeners.push({ token, since: '' });
  });
  for (const listener of listeners) listener.since = String((await call(target, 'GET', `${CLIENT}/sync`, listener.token))['next_batch']);
  return { speaker, roomId, listeners };
}

/** Goes on syncing until the message is there. */
async function hear(target: Target, listener: { token: string; since: string }, body: string): Promise<void> {
  for (;;) {
    const answer = await call(target, 'GET', `${CLIENT}/sync?timeout=${WAIT_MS}&since=${listener.since}`, listener.token);
    listener.since = String(answer['next_batch']);
    if (JSON.stringify(answer).includes(body)) return;
  }
}

export const SYNC_STEPS: readonly Step[] = [
  {
    id: 'B5',
    about: 'a message reaches somebody who waits by long poll, 200 times',
    run: async (target) => {
      const { speaker, roomId, listeners } = await gather(target, 1);
      return await measure(200, 1, async (index) => {
        const heard = Promise.all(listeners.map((listener) => hear(target, listener, `word ${index}!`)));
        await say(target, speaker, roomId, `word ${index}!`);
        await heard;
      });
    },
  },
  {
    id: 'B6',
    about: `a message reaches all ${LISTENERS} who wait in its room, 20 times`,
    run: async (target) => {
      const { speaker, roomId, listeners } = await gather(target, LISTENERS);
      return await measure(20, 1, async (index) => {
        const heard = Promise.all(listeners.map((listener) => hear(target, listener, `word ${index}!`)));
        await say(target, speaker, roomId, `word ${index}!`);
        await heard;
      });
    },
  },
  { id: 'B7-all', about: `initial sync of an account in ${ROOMS} rooms, 5 times`, run: (target) => firstSyncs(target, {}) },
  {
    id: 'B7-lazy',
    about: 'the same with members loaded lazily',
    run: (target) => firstSyncs(target, { room: { state: { lazy_load_members: true } } }),
  },
  {
    id: 'B7-cold',
    about: 'sliding sync of the same account: a new connection with a window of 20 rooms, 20 times',
    run: async (target) => {
      const token = await busyAccount(target);
      return await measure(20, 1, (index) => call(target, 'POST', SLIDING, token, { conn_id: `c${index % 4}`, lists, extensions }));
    },
  },
  {
    id: 'B7-warm',
    about: 'sliding sync of the same account: nothing new, 300 times',
    run: async (target) => {
      const token = await busyAccount(target);
      let pos = String((await call(target, 'POST', SLIDING, token, { lists, extensions }))['pos']);
      return await measure(300, 1, async () => {
        pos = String((await call(target, 'POST', `${SLIDING}?pos=${pos}`, token, { lists, extensions }))['pos']);
      });
    },
  },
  {
    id: 'B8',
    about: 'sync of the same account: nothing new, 500 times',
    run: async (target) => {
      const token = await busyAccount(target);
      let since = String((await call(target, 'GET', `${CLIENT}/sync`, token))['next_batch']);
      return await measure(500, 1, async () => {
        since = String((await call(target, 'GET', `${CLIENT}/sync?since=${since}`, token))['next_batch']);
      });
    },
  },
];
