import type { JsonObject } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HostedRoom, hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

/** Has the peer answer for the room, and give its timeline by backfill, unpruned. */
function answerFor(room: HostedRoom): void {
  peer.answer((method, path, body) => {
    const query = new URLSearchParams(path.split('?')[1]);
    if (!path.includes('/backfill/')) return room.answer(method, path, body);
    const from = room.timeline.findIndex(({ id }) => query.getAll('v').includes(id));
    const pdus = room.timeline
      .slice(0, from + 1)
      .slice(-Number(query.get('limit')))
      .map(({ event }) => event);
    return { origin: peer.name, origin_server_ts: Date.now(), pdus };
  });
}

async function readBack(roomId: string): Promise<ClientEvent[]> {
  const read: ClientEvent[] = [];
  for (let from = ''; ; ) {
    const page = await romeo.call('GET', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=20${from}`);
    read.push(...(page['chunk'] as ClientEvent[]));
    if (page['end'] === undefined) return read;
    from = `&from=${String(page['end'])}`;
  }
}

describe.each(['3', '5', '7', '8', '10', '12'])('in a room of version %s', (version) => {
  const redactionOf = (id: string) =>
    Number(version) >= 11 ? { type: 'm.room.redaction', content: { redacts: id } } : { type: 'm.room.redaction', redacts: id };

  test('what history redacts is pruned, whichever of the two comes first and from wherever', async () => {
    const room = await hostRoom(peer, { version, members: 2 });
    const member = `@member0:${peer.name}`;
    const say = async (body: string, sender = member) =>
      await room.add({ type: 'm.room.message', sender, content: { msgtype: 'm.text', body } });
    answerFor(room);
    const early = await say('early secret');
    for (let index = 0; index < 25; index += 1) await say(`word ${index}`);
    const close = await say('close secret');
    const byHistory = await room.add(redactionOf(close.id));
    const before = await room.add(redactionOf(early.id)); // by backfill, pages before its target
    const late = await say('late secret');
    await romeo.join(room.roomId, { via: [peer.name] });
    const after = await room.add(redactionOf(late.id)); // before its target is fetched
    await peer.sendPdus(servers.at(0), [after.event]);
    await expect.poll(() => storedKind(servers.at(0), after.id), { timeout: 20_000 }).toBe('timeline');

    const history = new Map((await readBack(room.roomId)).map((event) => [event.event_id, event]));
    for (const [target, redaction] of [
      [close, byHistory],
      [early, before],
      [late, after],
    ] as const) {
      expect(history.get(target.id)?.content).toEqual({});
      expect(history.get(target.id)?.unsigned).toMatchObject({ redacted_because: { event_id: redaction.id } });
    }
    expect(await servers.at(0).sql`select 1 from events where json like '%secret%'`).toHaveLength(0);
  });
});

test('a moderator of then redacted what they redacted, though they have no power now', async () => {
  const room = await hostRoom(peer, { members: 2 });
  answerFor(room);

  const member = `@member0:${peer.name}`;
  const host = room.hostId;
  const said = await room.add({ type: 'm.room.message', sender: member, content: { msgtype: 'm.text', body: 'said' } });
  const redaction = await room.add({ type: 'm.room.redaction', sender: host, redacts: said.id });
  await room.add({ type: 'm.room.power_levels', state_key: '', content: { users: { [host]: 0, [member]: 100 } } });
  await romeo.join(room.roomId, { via: [peer.name] });
  const history = new Map((await readBack(room.roomId)).map((event) => [event.event_id, event]));
  expect(history.get(said.id)?.unsigned).toMatchObject({ redacted_because: { event_id: redaction.id } });
});

test('a thread, an edit and a reaction find the message that comes after them', async () => {
  const room = await hostRoom(peer, { members: 2 });
  const member = `@member1:${peer.name}`;
  const say = async (body: string, more: JsonObject = {}) =>
    await room.add({ type: 'm.room.message', sender: member, content: { msgtype: 'm.text', body, ...more } });
  answerFor(room);
  const root = await say('the root');
  const edited = await say('a tpyo');
  await romeo.join(room.roomId, { via: [peer.name] });
  const relate = (rel_type: string, event_id: string) => ({ 'm.relates_to': { rel_type, event_id } });
  const child = await say('in the thread', relate('m.thread', root.id));
  const edit = await say('* a typo', { 'm.new_content': { msgtype: 'm.text', body: 'a typo' }, ...relate('m.replace', edited.id) });
  const liked = { 'm.relates_to': { rel_type: 'm.annotation', event_id: edited.id, key: '+1' } };
  const reaction = await room.add({ type: 'm.reaction', sender: member, content: liked });
  await peer.sendPdus(
    servers.at(0),
    [child, edit, reaction].map(({ event }) => event),
  );
  expect((await romeo.nextEvent(room.roomId, 'm.reaction')).event_id).toBe(reaction.id);
  const path = (rest: string) => `/_matrix/client/v1/rooms/${encodeURIComponent(room.roomId)}/${rest}`;
  expect(await romeo.call('GET', path('threads'))).toMatchObject({ chunk: [] });

  const history = new Map((await readBack(room.roomId)).map((event) => [event.event_id, event]));
  expect(history.get(root.id)?.unsigned).toMatchObject({
    'm.relations': { 'm.thread': { count: 1, latest_event: { event_id: child.id }, current_user_participated: false } },
  });
  expect(history.get(edited.id)?.unsigned).toMatchObject({ 'm.relations': { 'm.replace': { event_id: edit.id } } });
  expect(await romeo.call('GET', path('threads'))).toMatchObject({ chunk: [{ event_id: root.id }] });
  const related = await romeo.call('GET', path(`relations/${encodeURIComponent(edited.id)}`));
  expect((related['chunk'] as ClientEvent[]).map((event) => event.event_id)).toEqual([reaction.id, edit.id]);
});
