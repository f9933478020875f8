import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { startAppservice } from '../kit/start-appservice.ts';
import { startServers } from '../kit/start-servers.ts';

const CLIENT = '/_matrix/client/v3';

test('a user of an application service is made when another server invites it, and its service hears of the room', async () => {
  await using irc = await startAppservice({ namespaces: { users: [], aliases: [], rooms: [] } });
  await using servers = await startServers(2, { config: { appservices: [irc.file] } });
  const bridge = servers.at(1);
  const users = [{ exclusive: true, regex: `@_irc_.*:${bridge.name}` }];
  await writeFile(irc.file, stringify({ ...irc.registration, namespaces: { users, aliases: [], rooms: [] } }));
  await bridge.restart();
  const ghost = `@_irc_ghost:${bridge.name}`;
  irc.answer = async ({ path }) => {
    if (path !== `/_matrix/app/v1/users/${encodeURIComponent(ghost)}`) return undefined;
    const body = { type: 'm.login.application_service', username: '_irc_ghost', inhibit_login: true };
    return { status: (await irc.call(bridge.url, 'POST', `${CLIENT}/register`, body)).status, body: {} };
  };

  const romeo = await servers.user('romeo', 0);
  const roomId = await romeo.createRoom({ preset: 'private_chat', name: 'Crypt' });
  await romeo.invite(roomId, ghost);
  const invite = await irc.until(
    () =>
      irc.events().find((event) => event['state_key'] === ghost && (event['content'] as { membership: string }).membership === 'invite'),
    'the invite',
  );
  expect(invite).toMatchObject({
    type: 'm.room.member',
    room_id: roomId,
    sender: romeo.id,
    event_id: expect.stringMatching(/^\$/),
    origin_server_ts: expect.any(Number),
  });

  const join = await irc.call(
    bridge.url,
    'POST',
    `${CLIENT}/join/${encodeURIComponent(roomId)}?via=${servers.at(0).name}`,
    {},
    { userId: ghost },
  );
  expect(join.status).toBe(200);
  const eventId = await romeo.send(roomId, 'Give me the light');
  await irc.until(() => irc.events().find((event) => event['event_id'] === eventId), 'the message of the other server');
});
