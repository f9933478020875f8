import { createAuthState } from 'federation-spec/auth-rules/auth-state.ts';
import { checkAuthRules } from 'federation-spec/auth-rules/check-auth-rules.ts';
import { selectAuthEvents } from 'federation-spec/auth-rules/select-auth-events.ts';
import type { JsonObject, Pdu, PduDraft } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import { type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { resolveState } from 'federation-spec/state-resolution/resolve-state.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 30_000 };
/** How many events a graph has. */
const EVENTS = 24;
/** Each makes a graph of its own; with these servers once went astray. */
const SEEDS = [3, 6];
const enc = encodeURIComponent;
const nameOf = createNames();

let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;

beforeAll(async () => {
  servers = await startServers(3);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

type State = ReadonlyMap<string, string>;
/** An event, the states around it as the rules have it, and whether they refuse it. */
type Node = { id: string; event: Pdu; before: State; after: State; isRejected: boolean };
type Wish = Pick<PduDraft, 'type' | 'sender' | 'content'> & { state_key?: string };

/** Numbers from 0 up to 1 that are the same each time. */
function createDice(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function loadEvent(id: string): Promise<Pdu> {
  const [row] = await servers.at(0).sql<{ json: string }[]>`select json from events where event_id = ${id}`;
  return JSON.parse(row?.json ?? 'null') as Pdu;
}

async function stateIdsAt(index: number, roomId: string, id: string): Promise<string[] | number> {
  const { status, body } = await peer.call(servers.at(index), 'GET', `/_matrix/federation/v1/state_ids/${enc(roomId)}?event_id=${enc(id)}`);
  return status === 200 ? (body['pdu_ids'] as string[]).toSorted() : status;
}

/** What the rules of the room's version make of events, held in memory and without any shortcut. */
function createModel(rules: RoomVersionRules, roomId: string) {
  const nodes = new Map<string, Node>();
  const events = new Map<string, Pdu>();

  function stateBefore(upon: readonly Node[]): State {
    const lookups = { findEvent: (id: string) => events.get(id), isRejected: (id: string) => nodes.get(id)?.isRejected === true };
    return resolveState({ rules, stateSets: upon.map((node) => node.after), ...lookups });
  }

  async function add(upon: readonly Node[], wish: Wish): Promise<Node> {
    const before = stateBefore(upon);
    const selected = selectAuthEvents({ ...wish, stateKey: wish.state_key }, rules);
    const draft = {
      ...wish,
      room_id: roomId,
      depth: 1 + Math.max(...upon.map((node) => node.event.depth)),
      prev_events: upon.map((node) => node.id),
      auth_events: selected.flatMap(({ type, stateKey }) => before.get(stateKeyOf(type, stateKey)) ?? []),
      origin_server_ts: 1_700_000_000_000 + nodes.size * 1000,
    };
    const event = await signEvent(draft, rules, peer.signer);
    const id = eventIdOf(event, rules);
    const state = createAuthState([...before.values()].flatMap((other) => events.get(other) ?? []));
    const isRejected = !checkAuthRules(event, state, rules).allowed;
    const isState = event.state_key !== undefined && !isRejected;
    const after = isState ? new Map(before).set(stateKeyOf(event.type, event.state_key ?? ''), id) : before;
    const node = { id, event, before, after, isRejected };
    nodes.set(id, node);
    events.set(id, event);
    return node;
  }
  return { nodes, events, add };
}

/** A room on two servers with three people of the peer, of whom one has all power, one some and one none; and a graph upon its last event. */
async function makeGraph(version: string, seed: number) {
  const rules = roomVersionRules(version);
  if (rules === undefined) throw new Error(`no room version ${version}`);
  const dice = createDice(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(dice() * items.length)] as Item;
  const roomId = await romeo.createRoom({ preset: 'public_chat', room_version: version });
  const people: string[] = [];
  const { userId: chorus } = await peer.join(servers.at(0), roomId, 'chorus'); // stays, so that the peer may ask and have the last word
  for (const name of ['tybalt', 'mercutio', 'benvolio']) people.push((await peer.join(servers.at(0), roomId, name)).userId);
  const [tybalt = '', mercutio = '', benvolio = ''] = people;
  const creator = version === '12' ? {} : { [romeo.id]: 100 };
  await romeo.setState(roomId, 'm.room.power_levels', { users: { ...creator, [tybalt]: 100, [mercutio]: 50 } });
  const juliet = await servers.user(nameOf('juliet'), 1);
  await juliet.join(roomId, { via: [servers.at(0).name] });
  await expect.poll(() => servers.at(1).sql`select 1 from rooms where room_id = ${roomId} and not is_partial`, WAIT).toHaveLength(1);
  const baseId = await romeo.send(roomId, 'before the graph');
  await expect.poll(() => storedKind(servers.at(1), baseId), WAIT).toBe('timeline');

  const model = createModel(rules, roomId);
  const base: Record<string, string> = {};
  for (const id of (await stateIdsAt(0, roomId, baseId)) as string[]) {
    const event = await loadEvent(id);
    model.events.set(id, event);
    base[stateKeyOf(event.type, event.state_key ?? '')] = id;
  }
  const state = new Map(Object.entries(base));
  const root: Node = { id: baseId, event: await loadEvent(baseId), before: state, after: state, isRejected: false };
  // What the room's state rests on is known too.
  for (const row of await servers.at(0).sql<{ id: string; json: string }[]>`
    select event_id as id, json from events e join rooms r using (room_nid) where r.room_id = ${roomId}`)
    model.events.set(row.id, JSON.parse(row.json) as Pdu);

  const levels = () => ({
    users: { ...creator, [tybalt]: pick([100, 75]), [mercutio]: pick([0, 50, 100]), [benvolio]: pick([0, 50]) },
    state_default: pick([0, 50, 75]),
  });
  const member = (sender: string, target: string, membership: string): Wish => ({
    type: 'm.room.member',
    sender,
    state_key: target,
    content: { membership },
  });
  const wish = (): Wish => {
    const sender = pick(people);
    const word = String(Math.floor(dice() * 1e6));
    const named = (type: string, content: JsonObject): Wish => ({ type, sender, state_key: '', content });
    return pick<() => Wish>([
      () => ({ type: 'm.room.message', sender, content: { body: word } }),
      () => named('m.room.name', { name: word }),
      () => named('m.room.topic', { topic: word }),
      () => named('m.room.power_levels', levels()),
      () => named('m.room.power_levels', levels()),
      () => named('m.room.join_rules', { join_rule: pick(['public', 'invite']) }),
      () => member(sender, pick(people), 'ban'),
      () => member(sender, pick(people), 'leave'),
      () => member(sender, pick(people), 'invite'),
      () => member(sender, sender, 'join'),
      () => member(sender, sender, 'leave'),
    ])();
  };
  const graph: Node[] = [];
  for (let index = 0; index < EVENTS; index += 1) {
    const recent = [root, ...graph].filter((node) => !node.isRejected).slice(-7); // nobody builds upon what they refuse
    const upon = [...new Set(Array.from({ length: 1 + Math.floor(dice() * 2.5) }, () => pick(recent)))];
    graph.push(await model.add(upon, wish()));
  }
  const accepted = [root, ...graph.filter((node) => !node.isRejected)];
  const named = new Set(accepted.flatMap((node) => node.event.prev_events as string[]));
  const ends = accepted.filter((node) => !named.has(node.id)).slice(-15);
  graph.push(await model.add(ends, { type: 'm.room.message', sender: chorus, content: { body: 'the end' } }));
  return { roomId, graph, dice };
}

/** The peer answers as the first server does. */
function answerAsTheFirst(graph: readonly Node[]): void {
  const byId = new Map(graph.map((node) => [node.id, node.event]));
  peer.answer(async (method, path, body) => {
    const own = path.includes('/event/') ? byId.get(decodeURIComponent(path.split('/').at(-1) ?? '')) : undefined;
    if (own !== undefined) return { origin: peer.name, origin_server_ts: 1, pdus: [own] };
    if (path.includes('/send/')) return { pdus: {} };
    const { status, body: answer } = await peer.call(servers.at(0), method, path, body);
    return status === 200 ? answer : undefined;
  });
}

async function checkServer(index: number, roomId: string, graph: readonly Node[], isTold: (node: Node) => Promise<boolean>): Promise<void> {
  const wrong: string[] = [];
  for (const node of graph) {
    const { id, event, before, isRejected } = node;
    if (!(await isTold(node))) continue;
    const what = `${graph.indexOf(node)} ${event.type} of ${event.sender} ${JSON.stringify(event.content)}`;
    const kind = await storedKind(servers.at(index), id);
    if ((kind === 'rejected') !== isRejected) wrong.push(`${what} is ${kind}`);
    else if (!isRejected && JSON.stringify(await stateIdsAt(index, roomId, id)) !== JSON.stringify([...before.values()].toSorted()))
      wrong.push(`the state before ${what}`);
  }
  expect(wrong, `server ${index}`).toEqual([]);
}

describe.each(['10', '12'])('in a room of version %s', (version) => {
  test.each(SEEDS)(
    'whichever way the events of a graph come, servers agree on each: graph %i',
    async (seed) => {
      const { roomId, graph, dice } = await makeGraph(version, seed);
      const always = async () => true;
      for (let start = 0; start < graph.length; start += 10)
        await peer.sendPdus(
          servers.at(0),
          graph.slice(start, start + 10).map((node) => node.event),
        );
      for (const { id } of graph) await expect.poll(() => storedKind(servers.at(0), id), WAIT).toBeDefined();
      await checkServer(0, roomId, graph, always);

      answerAsTheFirst(graph);
      const shuffled = graph.map((node) => ({ node, at: dice() })).sort((a, b) => a.at - b.at);
      for (const { node } of shuffled) {
        await peer.sendPdus(servers.at(1), [node.event]);
        const isTaken = async () => ![undefined, 'outlier'].includes(await storedKind(servers.at(1), node.id));
        await expect.poll(isTaken, WAIT).toBe(true);
      }
      await checkServer(1, roomId, graph, always);

      const paris = await servers.user(nameOf('paris'), 2);
      if ((await romeo.state(roomId)).find((event) => event.type === 'm.room.join_rules')?.content['join_rule'] !== 'public')
        await romeo.invite(roomId, paris.id);
      await paris.join(roomId, { via: [servers.at(0).name] });
      await expect.poll(() => servers.at(2).sql`select 1 from rooms where room_id = ${roomId} and not is_partial`, WAIT).toHaveLength(1);
      await paris.messages(roomId, { limit: 500 });
      await paris.messages(roomId, { limit: 500 });
      await checkServer(2, roomId, graph, async ({ isRejected }) => !isRejected);
    },
    120_000,
  );
});
