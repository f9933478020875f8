import type { JsonObject } from 'federation-spec/events/event.ts';
import { expect, test } from 'vitest';
import { startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers } from '../kit/start-servers.ts';
import { TEST_PASSWORD } from '../kit/test-user.ts';

const FEDERATION = '/_matrix/federation/v1';
const enc = encodeURIComponent;

test('what an erased person said is told to no other server any more, though what they did to the room still counts', async () => {
  await using servers = await startServers(1);
  await using peer = await startHostilePeer(servers.ca);
  const server = servers.at(0);
  const [romeo, juliet] = [await servers.user('romeo', 0), await servers.user('juliet', 0)];
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  await romeo.join(roomId);
  await juliet.setState(roomId, 'm.room.name', { name: 'Balcony' });
  const said = await juliet.send(roomId, 'wherefore art thou');
  const heard = await romeo.send(roomId, 'I take thee at thy word');
  const { joinId } = await peer.join(server, roomId, 'tybalt');

  const pdusOf = async (method: string, path: string, body?: unknown) => {
    const answer = await peer.call(server, method, `${FEDERATION}/${path}`, body);
    expect(answer.status).toBe(200);
    return (answer.body['pdus'] ?? answer.body['events']) as JsonObject[];
  };
  const readings = () =>
    Promise.all([
      pdusOf('GET', `event/${enc(said)}`),
      pdusOf('GET', `backfill/${enc(roomId)}?v=${enc(joinId)}&limit=20`),
      pdusOf('POST', `get_missing_events/${enc(roomId)}`, { earliest_events: [], latest_events: [joinId], limit: 20 }),
    ]);
  for (const pdus of await readings()) expect(JSON.stringify(pdus)).toContain('wherefore art thou');

  await juliet.call('POST', '/_matrix/client/v3/account/deactivate', {
    erase: true,
    auth: { type: 'm.login.password', identifier: { type: 'm.id.user', user: juliet.id }, password: TEST_PASSWORD },
  });
  const [alone, backfilled, missing] = await readings();
  for (const pdus of [alone, backfilled, missing]) {
    expect(JSON.stringify(pdus)).not.toContain('wherefore');
    expect(pdus).toContainEqual(expect.objectContaining({ sender: juliet.id, type: 'm.room.message', content: {} }));
  }
  expect(JSON.stringify(backfilled)).toContain('I take thee');
  const state = await pdusOf('GET', `state/${enc(roomId)}?event_id=${enc(heard)}`);
  expect(state).toContainEqual(expect.objectContaining({ type: 'm.room.name', content: { name: 'Balcony' } }));
});
