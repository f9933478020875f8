import { call, register, type Target } from './http-user.ts';
import { measure, measureGrowth } from './measure.ts';
import type { Step } from './step.ts';

const CLIENT = '/_matrix/client/v3';
const SETUP_AT_ONCE = 16;
const MANY_EVENTS = 20_000;
const MANY_MEMBERS = 1_000;
const SENDS = 300;
const FEW_ROOMS = 10;
const MANY_ROOMS = 500;
/** Enough words that a search finds some and not all. */
const WORDS = ['rose', 'thorn', 'moon', 'sun', 'lark', 'nightingale', 'balcony', 'tomb', 'friar', 'nurse', 'prince', 'feast'];

type Room = { token: string; path: string; eventIds: string[] };
/** Rooms that take long to fill, by target and what they hold. */
const rooms = new WeakMap<Target, Map<string, Promise<Room>>>();
let transactions = 0;

async function roomWith(target: Target, { members, events }: Size): Promise<Room> {
  const made = rooms.get(target) ?? new Map<string, Promise<Room>>();
  rooms.set(target, made);
  const key = `${members} ${events}`;
  const room = made.get(key) ?? fillRoom(target, members, events);
  made.set(key, room);
  return await room;
}

async function fillRoom(target: Target, members: number, events: number): Promise<Room> {
  const token = await register(target);
  const { room_id: roomId } = await call(target, 'POST', `${CLIENT}/createRoom`, token, { preset: 'public_chat' });
  await measure(members - 1, SETUP_AT_ONCE, async () => {
    const guest = await register(target);
    await call(target, 'POST', `${CLIENT}/join/${encodeURIComponent(String(roomId))}`, guest, {});
  });
  const room: Room = { token, path: `${CLIENT}/rooms/${encodeURIComponent(String(roomId))}`, eventIds: [] };
  await measure(events, SETUP_AT_ONCE, async (index) => void room.eventIds.push(await say(target, room, index)));
  return room;
}

async function say(target: Target, { token, path }: Room, index: number): Promise<string> {
  transactions += 1;
  const body = `${WORDS[index % WORDS.length]} ${index}`;
  const sent = await call(target, 'PUT', `${path}/send/m.room.message/g${transactions}`, token, { msgtype: 'm.text', body });
  return String(sent['event_id']);
}

type Size = { members: number; events: number };

/** Whether what a message costs grows with the room. */
function sends(id: string, small: Size, large: Size): Step {
  const told = ({ members, events }: Size) => `${members} members and ${events} events`;
  return {
    id,
    about: `${SENDS} messages in a room with ${told(large)}, in turns with as many in one with ${told(small)}`,
    run: async (target) => {
      const [few, many] = [await roomWith(target, small), await roomWith(target, large)];
      return await measureGrowth(
        SENDS,
        (index) => say(target, few, index),
        (index) => say(target, many, index),
      );
    },
  };
}

/** By target and number of rooms, accounts that sync. */
const syncers = new WeakMap<Target, Map<number, Promise<Syncer>>>();
type Syncer = { room: Room; since: string };

async function syncerWith(target: Target, rooms: number): Promise<Syncer> {
  const made = syncers.get(target) ?? new Map<number, Promise<Syncer>>();
  syncers.set(target, made);
  const syncer = made.get(rooms) ?? enterRooms(target, rooms);
  made.set(rooms, syncer);
  return await syncer;
}

async function enterRooms(target: Target, rooms: number): Promise<Syncer> {
  const token = await register(target);
  let path = '';
  await measure(rooms, SETUP_AT_ONCE, async () => {
    const { room_id: roomId } = await call(target, 'POST', `${CLIENT}/createRoom`, token, { preset: 'private_chat' });
    path = `${CLIENT}/rooms/${encodeURIComponent(String(roomId))}`;
  });
  const { next_batch: since } = await call(target, 'GET', `${CLIENT}/sync`, token);
  return { room: { token, path, eventIds: [] }, since: String(since) };
}

async function syncOn(target: Target, syncer: Syncer): Promise<void> {
  const { next_batch: since } = await call(target, 'GET', `${CLIENT}/sync?since=${encodeURIComponent(syncer.since)}`, syncer.room.token);
  syncer.since = String(since);
}

/** Whether what a sync costs grows with the rooms of the account. */
function syncs(id: string, fewRooms: number, manyRooms: number): Step {
  return {
    id,
    about: `${SENDS} times a message and a sync that tells it, in ${manyRooms} rooms, in turns with as many in ${fewRooms} rooms`,
    run: async (target) => {
      const [few, many] = [await syncerWith(target, fewRooms), await syncerWith(target, manyRooms)];
      const sayAndSync = async (syncer: Syncer, index: number) => {
        await say(target, syncer.room, index);
        await syncOn(target, syncer);
      };
      return await measureGrowth(
        SENDS,
        (index) => sayAndSync(few, index),
        (index) => sayAndSync(many, index),
      );
    },
  };
}

export const GROWTH_STEPS: readonly Step[] = [
  {
    id: 'B9-deep',
    about: `/messages backwards through ${MANY_EVENTS} events, 100 at a time`,
    run: async (target) => {
      const { token, path } = await roomWith(target, { members: 1, events: MANY_EVENTS });
      let from = '';
      return await measure(MANY_EVENTS / 100, 1, async () => {
        const page = await call(target, 'GET', `${path}/messages?dir=b&limit=100${from}`, token);
        from = page['end'] === undefined ? '' : `&from=${encodeURIComponent(String(page['end']))}`;
      });
    },
  },
  {
    id: 'B9-ctx',
    about: '/context of 200 events of the same room, far apart',
    run: async (target) => {
      const { token, path, eventIds } = await roomWith(target, { members: 1, events: MANY_EVENTS });
      const step = Math.floor(eventIds.length / 200);
      return await measure(200, 1, (index) =>
        call(target, 'GET', `${path}/context/${encodeURIComponent(eventIds[index * step] ?? '')}`, token),
      );
    },
  },
  {
    id: 'B9-find',
    about: '50 searches in the same room',
    run: async (target) => {
      const { token } = await roomWith(target, { members: 1, events: MANY_EVENTS });
      return await measure(50, 1, (index) =>
        call(target, 'POST', `${CLIENT}/search`, token, {
          search_categories: { room_events: { search_term: `${WORDS[index % WORDS.length]} ${index}` } },
        }),
      );
    },
  },
  {
    id: 'B9-who',
    about: `/members of a room with ${MANY_MEMBERS} members, 20 times`,
    run: async (target) => {
      const { token, path } = await roomWith(target, { members: MANY_MEMBERS, events: 100 });
      return await measure(20, 1, () => call(target, 'GET', `${path}/members`, token));
    },
  },
  sends('B19-many', { members: 10, events: 100 }, { members: MANY_MEMBERS, events: 100 }),
  sends('B19-old', { members: 1, events: 100 }, { members: 1, events: MANY_EVENTS }),
  syncs('B19-sync', FEW_ROOMS, MANY_ROOMS),
];
