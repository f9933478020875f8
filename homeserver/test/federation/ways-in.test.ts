import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HostedRoom, hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 10_000 };
const nameOf = createNames();
let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

type Made = { event: Pdu; id: string };
/** What an event must become: rejected and remembered, or not taken at all. */
type Fate = 'rejected' | 'dropped';
type Bad = Made & { what: string; fate: Fate };
type Scene = { room: HostedRoom; bad: Bad[]; good: Made };

/** Events that no server may let into a room, and one that is good; all upon the last event of the room, each under a key of its own. */
async function makeScene(room: HostedRoom): Promise<Omit<Scene, 'room'>> {
  const isNamed = room.rules.createEventIdIsRoomId;
  const [create, powers, rules] = ['m.room.create', 'm.room.power_levels', 'm.room.join_rules'].map((type) => room.find(type).id);
  const host = room.find('m.room.member', room.hostId).id;
  const weakling = `@member0:${peer.name}`;
  const weak = room.find('m.room.member', weakling).id;
  const upon = room.newest();
  const base = { prev_events: [upon.id], depth: upon.event.depth + 1 };
  const own = (...ids: (string | undefined)[]) => [...(isNamed ? [] : [create]), ...ids].filter((id) => id !== undefined);
  const make = async (what: string, draft: Partial<Pdu>) =>
    await room.build({ type: `x.${what.replaceAll(' ', '-')}`, state_key: '', content: { what }, ...base, ...draft });

  const bad: Bad[] = [];
  const add = async (what: string, draft: Partial<Pdu>, fate: Fate = 'rejected') => {
    const made = await make(what, draft);
    bad.push({ ...made, what, fate });
    return made;
  };
  const coup = await add('powers by who has none', {
    type: 'm.room.power_levels',
    sender: weakling,
    content: { users: { [weakling]: 100 } },
    auth_events: own(powers, weak),
  });
  await add('state by who has no power', { sender: weakling, auth_events: own(powers, weak) });
  await add('resting on what was rejected', { sender: weakling, auth_events: own(coup.id, weak) });
  await add('an auth event named twice', { auth_events: own(powers, host, powers) });
  await add('two auth events under one key', { auth_events: own(powers, coup.id, host) });
  await add('an auth event of no use', { auth_events: own(powers, host, rules) });
  await add('the create event named or not', { auth_events: isNamed ? [create ?? '', powers ?? '', host] : [powers ?? '', host] });
  await add('a member who never joined', { sender: `@nobody:${peer.name}`, auth_events: own(powers) });
  await add("under another's name", { state_key: weakling, auth_events: own(powers, host) });
  if (!isNamed)
    await add('a second create event', {
      type: 'm.room.create',
      prev_events: [],
      auth_events: [],
      content: { room_version: room.rules.version, creator: weakling, 'm.federate': false },
    });
  const stranger = `@stranger:${peer.name}`;
  const vouched = { type: 'm.room.member', sender: stranger, state_key: stranger, auth_events: own(powers, rules) };
  await add(
    'vouched for by no user',
    { ...vouched, content: { membership: 'join', join_authorised_via_users_server: 'nobody' } },
    'dropped',
  );
  await add('vouched for by no text', { ...vouched, content: { membership: 'join', join_authorised_via_users_server: [1] } }, 'dropped');
  const unsigned = await make('with the signature of another', { auth_events: own(powers, host) });
  const signatures = (await make('another', { auth_events: own(powers, host) })).event.signatures;
  bad.push({ event: { ...unsigned.event, signatures }, id: unsigned.id, what: 'with the signature of another', fate: 'dropped' });
  return { bad, good: await make('good', { auth_events: own(powers, host) }) };
}

const list = (pdus: readonly Pdu[]) => ({ origin: peer.name, origin_server_ts: 1, pdus });
const join = async (room: HostedRoom) => {
  romeo = await servers.user(nameOf('romeo'), 0);
  await romeo.join(room.roomId, { via: [peer.name] });
  await expect.poll(() => servers.at(0).sql`select 1 from rooms where room_id = ${room.roomId} and not is_partial`, WAIT).toHaveLength(1);
};
const eventsOf = ({ bad, good }: Omit<Scene, 'room'>) => [...bad, good].map(({ event }) => event);

/** Answers for the room, and gives each of the events by its id. */
function answer(
  room: HostedRoom,
  events: readonly Made[],
  more: (path: string, query: URLSearchParams) => unknown = () => undefined,
): void {
  peer.answer((method, path, body) => {
    const [place = '', query = ''] = path.split('?');
    const special = more(place, new URLSearchParams(query));
    if (special !== undefined) return special;
    const named = events.find(({ id }) => place.includes('/event/') && place.endsWith(encodeURIComponent(id)));
    return named === undefined ? room.answer(method, path, body) : list([named.event]);
  });
}

type Way = (room: HostedRoom) => Promise<Scene>;

const ways: Record<string, Way> = {
  'in a transaction': async (room) => {
    answer(room, []);
    await join(room);
    const scene = await makeScene(room);
    answer(room, [...scene.bad, scene.good]);
    await peer.sendPdus(servers.at(0), eventsOf(scene));
    return { room, ...scene };
  },
  'as what lies before another': async (room) => {
    answer(room, []);
    await join(room);
    const scene = await makeScene(room);
    const found = await room.build({ type: 'm.room.message', prev_events: [...scene.bad, scene.good].map(({ id }) => id), depth: 999 });
    answer(room, [...scene.bad, scene.good], (place) => (place.includes('/get_missing_events/') ? { events: eventsOf(scene) } : undefined));
    await peer.sendPdus(servers.at(0), [found.event]);
    return { room, ...scene };
  },
  'by backfill': async (room) => {
    const scene = await makeScene(room);
    const tip = await room.add({ type: 'm.room.message', prev_events: [...scene.bad, scene.good].map(({ id }) => id), depth: 999 });
    answer(room, [...scene.bad, scene.good], (place) => (place.includes('/backfill/') ? list([tip.event, ...eventsOf(scene)]) : undefined));
    await join(room);
    await romeo.messages(room.roomId, { limit: 50 });
    return { room, ...scene };
  },
  'as the state behind a gap': async (room) => {
    answer(room, []);
    await join(room);
    const scene = await makeScene(room);
    const lost = await room.build({ type: 'm.room.message' });
    const found = await room.build({ type: 'm.room.message', prev_events: [lost.id], depth: 999 });
    const base = room.state;
    const ids = [...base, ...scene.bad, scene.good].map(({ id }) => id);
    const pdus = [...base.map(({ event }) => event), ...eventsOf(scene)];
    answer(room, [...scene.bad, scene.good, lost], (place) => {
      if (place.includes('/state_ids/')) return { pdu_ids: ids, auth_chain_ids: base.map(({ id }) => id) };
      return place.includes('/state/') ? { pdus, auth_chain: [] } : undefined;
    });
    await peer.sendPdus(servers.at(0), [found.event]);
    return { room, ...scene };
  },
  'as the state that comes with a join': async (room) => {
    const scene = await makeScene(room);
    peer.answer((method, path, body) => {
      const given = room.answer(method, path.replace('omit_members=true', ''), body) as { state?: Pdu[] } | undefined;
      return given !== undefined && path.includes('/send_join/')
        ? { ...given, state: [...(given.state ?? []), ...eventsOf(scene)] }
        : given;
    });
    await join(room);
    return { room, ...scene };
  },
  'as what allows another': async (room) => {
    answer(room, []);
    await join(room);
    const scene = await makeScene(room);
    answer(room, [...scene.bad, scene.good], (place) => (place.includes('/event_auth/') ? ({ auth_chain: [] } as JsonObject) : undefined));
    for (const { id } of [...scene.bad, scene.good]) {
      const resting = await room.build({ type: 'm.room.message', auth_events: [id] });
      await peer.sendPdus(servers.at(0), [resting.event]);
      await expect.poll(() => storedKind(servers.at(0), resting.id), WAIT).toBe('rejected');
    }
    return { room, ...scene };
  },
  'as the rest of the state': async (room) => {
    const scene = await makeScene(room);
    const ids = [...room.state, ...scene.bad, scene.good].map(({ id }) => id);
    answer(room, [...scene.bad, scene.good], (place) =>
      place.includes('/state_ids/') ? { pdu_ids: ids, auth_chain_ids: room.state.map(({ id }) => id) } : undefined,
    );
    await join(room);
    return { room, ...scene };
  },
};

describe.each(['10', '12'])('in a room of version %s', (version) => {
  test.each(Object.keys(ways))('S6, S8: what must not be in a room is not, when it comes %s', async (way) => {
    const come = ways[way];
    if (come === undefined) throw new Error(`there is no way ${way}`);
    const { room, bad, good } = await come(await hostRoom(peer, { version, members: 2 }));
    await expect.poll(() => storedKind(servers.at(0), good.id), WAIT).toBeDefined();
    const fates = async () => {
      const found: [string, string | undefined][] = [];
      for (const { what, id } of bad) found.push([what, (await storedKind(servers.at(0), id)) ?? 'dropped']);
      return found;
    };
    await expect.poll(fates, WAIT).toEqual(bad.map(({ what, fate }) => [what, fate]));
    const state = await romeo.state(room.roomId);
    const known = new Set(bad.map(({ id }) => id));
    expect(state.filter((event) => known.has(event.event_id))).toEqual([]);
    expect(state.find((event) => event.type === 'm.room.create')?.event_id).toBe(eventIdOf(room.find('m.room.create').event, room.rules));
  });
});
