import { expect, test } from 'vitest';
import { SLIDING_PATH } from '../kit/slide.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

const FEW = 4;
/** Five rooms each: 500 in all. */
const MANY = 100;
/** What followers of the log may spend beside the sync: less than a statement for each further room. */
const BACKGROUND = 8;

/** Rooms of every kind that may cost a query of its own: joined, with history hidden or with threads; invited, left, kicked, banned. */
async function fill(romeo: TestUser, juliet: TestUser, count: number): Promise<void> {
  const hidden = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } };
  for (let index = 0; index < count; index += 1) {
    const [open, closed, left] = [
      await romeo.createRoom({ preset: 'public_chat' }),
      await romeo.createRoom({ preset: 'public_chat', initial_state: [hidden] }),
      await romeo.createRoom({ preset: 'public_chat' }),
    ];
    const root = await romeo.send(open, 'a thread begins');
    await romeo.send(open, { msgtype: 'm.text', body: 'on', 'm.relates_to': { rel_type: 'm.thread', event_id: root } });
    await romeo.send(closed, 'unheard');
    for (const roomId of [open, closed, left]) await juliet.join(roomId);
    await romeo.createRoom({ invite: [juliet.id] });
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(left)}/${['leave', 'kick', 'ban'][index % 3]}`;
    if (index % 3 === 0) await juliet.leave(left);
    else await romeo.call('POST', path, { user_id: juliet.id });
  }
}

/** What a first sync of a server that has just started costs in statements. */
async function statements(server: TestServer, run: () => Promise<unknown>): Promise<number> {
  await server.restart();
  await run();
  server.queries.length = 0;
  await server.restart();
  const before = server.queries.length;
  await run();
  return server.queries.slice(before).filter((query) => !/last_seen|follower_cursors/.test(query)).length;
}

test('a first sync costs as many statements for many rooms as for few', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const filters = [{}, { room: { include_leave: true, state: { lazy_load_members: true }, timeline: { types: ['m.room.*'] } } }];
  const lists = {
    all: {
      ranges: [[0, 1_000]],
      timeline_limit: 5,
      required_state: [['*', '*']],
      filters: { is_encrypted: false },
    },
  };
  const ways = [
    ...filters.map((filter) => () => juliet.call('GET', `/_matrix/client/v3/sync?filter=${encodeURIComponent(JSON.stringify(filter))}`)),
    () => juliet.call('POST', SLIDING_PATH, { lists, extensions: { account_data: { enabled: true }, receipts: { enabled: true } } }),
  ];

  await fill(romeo, juliet, FEW);
  const withFew: number[] = [];
  for (const way of ways) withFew.push(await statements(server, way));
  await fill(romeo, juliet, MANY);
  for (const [index, way] of ways.entries()) {
    const spent = await statements(server, way);
    expect(spent, `way ${index}`).toBeLessThanOrEqual((withFew[index] ?? 0) + BACKGROUND);
    expect(spent, `way ${index}`).toBeLessThan(50);
  }
});
