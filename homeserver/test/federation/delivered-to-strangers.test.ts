import type { JsonObject } from 'federation-spec/events/event.ts';
import { expect, test } from 'vitest';
import { waitForEphemeral } from '../client-api/ephemeral-events.ts';
import { startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers } from '../kit/start-servers.ts';

test('servers of another kind are not told what only this kind understands', async () => {
  await using servers = await startServers(1);
  await using peer = await startHostilePeer(servers.ca);
  peer.answer((_method, path) => (path.includes('/send/') ? { pdus: {} } : undefined));
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 0);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  await peer.join(servers.at(0), roomId, 'tybalt');
  await romeo.sync();
  await juliet.sync();

  const eventId = await romeo.send(roomId, 'But soft!');
  await expect(juliet.nextMessage(roomId)).resolves.toMatchObject({ event_id: eventId });
  await juliet.sync();
  await waitForEphemeral(romeo, roomId, 'chat.blinkchat.delivered', (content) => eventId in content);
  await juliet.call('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`, {});

  const sent = () => peer.seen.flatMap(({ path, body }) => (path.includes('/send/') ? ((body as { edus?: JsonObject[] }).edus ?? []) : []));
  const types = () => new Set(sent().map((edu) => edu['edu_type']));
  await expect.poll(types, { timeout: 15_000 }).toContain('m.receipt');
  expect(types()).not.toContain('chat.blinkchat.delivered');
});
