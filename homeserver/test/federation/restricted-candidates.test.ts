import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostilePeer, peerError, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';

let servers: TestServers;
let peer: HostilePeer;

beforeAll(async () => {
  servers = await startServers(2);
  peer = await startHostilePeer(servers.ca);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const enc = encodeURIComponent;

test.each(['M_UNABLE_TO_AUTHORISE_JOIN', 'M_UNABLE_TO_GRANT_JOIN'])(
  'where one server answers %s, the next is asked to let somebody in',
  async (errcode) => {
    const name = errcode.toLowerCase().replaceAll('_', '-');
    const romeo = await servers.user(`romeo-${name}`, 0);
    const juliet = await servers.user(`juliet-${name}`, 1);
    const via = `via=${enc(peer.name)}&via=${enc(servers.at(0).name)}`;
    const space = await romeo.createRoom({ preset: 'public_chat', creation_content: { type: 'm.space' } });
    const roomId = await romeo.createRoom({
      preset: 'private_chat',
      initial_state: [
        {
          type: 'm.room.join_rules',
          state_key: '',
          content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: space }] },
        },
      ],
    });
    peer.answer((_method, path) => (path.includes('/make_join/') ? peerError(400, errcode) : undefined));
    const join = () => juliet.attempt('POST', `/_matrix/client/v3/join/${enc(roomId)}?${via}`, {});
    const outside = await join();
    expect([outside.status, outside.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
    await juliet.join(space, { via: [servers.at(0).name] });
    expect((await join()).status).toBe(200);
    expect(peer.seen.filter(({ path }) => path.includes(`/make_join/${enc(roomId)}/`))).toHaveLength(2);
    await romeo.send(roomId, 'welcome');
    await expect(juliet.nextMessage(roomId)).resolves.toMatchObject({ content: { body: 'welcome' } });
  },
);
