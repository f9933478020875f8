import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { syncWith } from '../client-api/sync-answers.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { SLIDING_PATH } from '../kit/slide.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { banBeforehand, meetTybalt } from './banned-before.ts';

let servers: TestServers;
let peer: HostilePeer;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

test('state that a resolution brings back is told beside the timeline that brought it about', async () => {
  const threatened = await meetTybalt(servers, peer, { topic: 'old' });
  const { roomId, romeo, juliet } = threatened;
  await juliet.setState(roomId, 'm.room.topic', { topic: 'new' });
  const { next_batch: since } = await syncWith(romeo);

  const banId = await banBeforehand(servers, peer, threatened);

  const topicsOf = (events: readonly { type: string; content: Record<string, unknown> }[] | undefined) =>
    events?.filter((event) => event.type === 'm.room.topic').map((event) => event.content['topic']);
  await expect.poll(async () => (await syncWith(romeo, { since })).rooms.join[roomId]?.timeline.events.length, { timeout: 15_000 }).toBe(1);
  const before = (await syncWith(romeo, { since })).rooms.join[roomId];
  expect(before?.timeline.events).toMatchObject([{ event_id: banId }]);
  expect(topicsOf(before?.state.events)).toEqual(['old']);
  const after = (await syncWith(romeo, { since, use_state_after: true })).rooms.join[roomId];
  expect(topicsOf(after?.state_after?.events)).toEqual(['old']);

  await servers.at(0).restart();
  expect(topicsOf((await syncWith(romeo, { since })).rooms.join[roomId]?.state.events)).toEqual(['old']);
  expect(topicsOf(await romeo.state(roomId))).toEqual(['old']);
});

test('S25: an invite that shows strange things does not break the sync of whom it is for', async () => {
  const paris = await servers.user('paris', 0);
  const { next_batch: since } = await syncWith(paris);
  const roomId = `!strange:${peer.name}`;
  const sender = `@tybalt:${peer.name}`;
  const strange = [
    { type: 'm.room.name', state_key: '', sender, content: { name: { deep: true } } },
    { type: 'm.room.avatar', state_key: '', sender, content: { url: 7 } },
    { type: 'm.room.create', state_key: '', sender, content: { type: ['m.space'] } },
    { type: 'm.room.member', state_key: paris.id, sender: 'nobody', content: { membership: 'ban' } },
    { type: 'm.room.topic', state_key: '', sender, content: { topic: 'fine' }, unsigned: { prev_content: null } },
  ];
  const rules = roomVersionRules('10');
  if (rules === undefined) throw new Error('version 10 is unknown');
  const invite = await signEvent(
    {
      type: 'm.room.member',
      room_id: roomId,
      sender,
      state_key: paris.id,
      content: { membership: 'invite', displayname: { not: 'text' } },
      depth: 2,
      prev_events: [],
      auth_events: [],
      origin_server_ts: Date.now(),
    },
    rules,
    peer.signer,
  );
  const path = `/_matrix/federation/v2/invite/${encodeURIComponent(roomId)}/${encodeURIComponent(eventIdOf(invite, rules))}`;
  const answer = await peer.call(servers.at(0), 'PUT', path, { event: invite, room_version: '10', invite_room_state: strange });
  expect(answer.body).toHaveProperty('event');

  for (const from of [since, undefined]) {
    const told = (await syncWith(paris, { since: from })).rooms.invite[roomId];
    expect(told?.invite_state.events.every((event) => typeof event.content === 'object' && typeof event.type === 'string')).toBe(true);
  }
  const slide = await paris.call('POST', SLIDING_PATH, {
    lists: { all: { ranges: [[0, 9]], timeline_limit: 1, filters: { is_encrypted: false, room_name_like: '' } } },
  });
  expect(slide['rooms']).toHaveProperty([roomId]);
  await paris.leave(roomId).catch(() => undefined);
  expect((await paris.attempt('GET', '/_matrix/client/v3/sync')).status).toBe(200);
});
