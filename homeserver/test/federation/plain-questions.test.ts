import type { PduDraft } from 'federation-spec/events/event.ts';
import { roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const FEDERATION = '/_matrix/federation/v1';
const cleanup = createCleanup();
let server: TestServer;
let peer: HostilePeer;
let juliet: TestUser;

beforeAll(async () => {
  const servers = cleanup.use(await startServers(1));
  server = servers.at(0);
  peer = cleanup.use(await startHostilePeer(servers.ca));
  juliet = await servers.user('juliet', 0);
});
afterAll(cleanup.run);

test('a server says what it is, and whom an OpenID token stands for', async () => {
  expect((await peer.call(server, 'GET', `${FEDERATION}/version`)).body).toMatchObject({ server: { name: 'BlinkChat' } });
  const token = await juliet.call('POST', `/_matrix/client/v3/user/${encodeURIComponent(juliet.id)}/openid/request_token`, {});
  const ask = (value: unknown) =>
    peer.call(server, 'GET', `${FEDERATION}/openid/userinfo?access_token=${encodeURIComponent(String(value))}`);
  expect((await ask(token['access_token'])).body).toEqual({ sub: juliet.id });
  expect((await ask('made up')).body['errcode']).toBe('M_UNKNOWN_TOKEN');
});

test('another server searches the published rooms', async () => {
  const name = nameOf('Orchard');
  const roomId = await juliet.createRoom({ visibility: 'public', name });
  const search = async (term: string) =>
    (await peer.call(server, 'POST', `${FEDERATION}/publicRooms`, { filter: { generic_search_term: term } })).body['chunk'];
  expect(await search(name.toLowerCase())).toContainEqual(expect.objectContaining({ room_id: roomId, name }));
  expect(await search('nunnery')).toEqual([]);
});

test('an older server invites to a room of version 1', async () => {
  const rules = roomVersionRules('1');
  if (rules === undefined) throw new Error('version 1 is not known');
  const romeo = `@romeo:${peer.name}`;
  const roomId = `!old:${peer.name}`;
  const eventId = `$invite:${peer.name}`;
  const draft: PduDraft & { event_id: string } = {
    type: 'm.room.member',
    room_id: roomId,
    event_id: eventId,
    sender: romeo,
    state_key: juliet.id,
    content: { membership: 'invite' },
    depth: 2,
    prev_events: [],
    auth_events: [],
    origin_server_ts: Date.now(),
  };
  const invite = await signEvent(draft, rules, peer.signer);
  const path = `${FEDERATION}/invite/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`;
  const name = { type: 'm.room.name', state_key: '', sender: romeo, content: { name: 'Old' } };
  const answer = await peer.call(server, 'PUT', path, { ...invite, unsigned: { invite_room_state: [name] } });
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject([200, { event: { event_id: eventId, signatures: { [server.name]: {} } } }]);
  expect(await juliet.sync()).toMatchObject({
    rooms: { invite: { [roomId]: { invite_state: { events: expect.arrayContaining([name]) } } } },
  });
});
