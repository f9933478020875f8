import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { startClient } from './independent-client.ts';

const CALL_MEMBER = 'org.matrix.msc3401.call.member';
const LIVEKIT = { type: 'livekit', livekit_service_url: 'https://rtc.example.org' } as const;

let server: TestServer;
let romeo: TestUser;
beforeAll(async () => {
  server = await startServer({ config: { livekitUrls: [LIVEKIT.livekit_service_url] } });
  romeo = await server.user('romeo');
});
afterAll(() => server[Symbol.asyncDispose]());

test('clients find the media servers of calls, by request and in the server’s own document', async () => {
  for (const path of ['unstable/org.matrix.msc4143/rtc/transports', 'v1/rtc/transports'])
    expect(await romeo.call('GET', `/_matrix/client/${path}`)).toEqual({ rtc_transports: [LIVEKIT] });
  const document = (await (await fetch(`${server.url}/.well-known/matrix/client`)).json()) as Record<string, unknown>;
  expect(document['org.matrix.msc4143.rtc_foci']).toEqual([LIVEKIT]);
  expect((await fetch(`${server.url}/_matrix/client/v1/rtc/transports`)).status).toBe(401);
});

test('a server without media servers and TURN says so', async () => {
  await using plain = await startServer();
  const juliet = await plain.user('juliet');
  expect(await juliet.call('GET', '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports')).toEqual({ rtc_transports: [] });
  expect(await juliet.call('GET', '/_matrix/client/v3/voip/turnServer')).toEqual({});
  const document = (await (await fetch(`${plain.url}/.well-known/matrix/client`)).json()) as Record<string, unknown>;
  expect(document).not.toHaveProperty('org.matrix.msc4143.rtc_foci');
});

test('a client that vanishes from a call has left it soon after', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', power_level_content_override: { events: { [CALL_MEMBER]: 0 } } });
  const juliet = await server.user('juliet');
  await juliet.join(roomId);
  const memberships = async () => {
    const members = (await romeo.state(roomId)).filter((event) => event.type === CALL_MEMBER && event.sender === juliet.id);
    return members.map((event) => Object.keys(event.content).length > 0);
  };

  const client = await startClient(server, juliet);
  const room = client.matrix.getRoom(roomId);
  if (room === null) throw new Error('the client does not know the room');
  const session = client.matrix.matrixRTC.getRoomSession(room);
  session.joinRTCSession(
    { userId: juliet.id, deviceId: juliet.deviceId, memberId: `${juliet.id}:${juliet.deviceId}` },
    [LIVEKIT],
    undefined,
    {
      delayedLeaveEventDelayMs: 1_500,
      delayedLeaveEventRestartMs: 400,
    },
  );
  await expect.poll(memberships, { timeout: 10_000 }).toEqual([true]);
  const waiting = async () =>
    (await juliet.call('GET', '/_matrix/client/v1/delayed_events'))['delayed_events'] as { running_since: number }[];
  const [first] = await waiting();
  // It shows again and again that it is there.
  await expect.poll(async () => (await waiting())[0]?.running_since, { timeout: 10_000 }).toBeGreaterThan(first?.running_since ?? 0);
  expect(await memberships()).toEqual([true]);

  // It vanishes: nothing of it reaches the server any more.
  client.matrix.http.authedRequest = () => Promise.reject(new Error('gone'));
  client.matrix.http.request = () => Promise.reject(new Error('gone'));
  await expect.poll(memberships, { timeout: 10_000 }).toEqual([false]);
  await client[Symbol.asyncDispose]();
});
