import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pdu } from 'federation-spec/events/event.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { freePort } from '../kit/free-port.ts';
import { type HostedRoom, hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { type ServerProcess, startServerProcess } from '../kit/start-server-process.ts';
import { createTestCa } from '../kit/test-ca.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 60_000, interval: 200 };
const MEMBERS = 150;
/** How long after the answer with the state the server is killed: while it stores it, or right after. */
const MOMENTS_MS = [0, 15, 40, 80, 160, 320];

const cleanup = createCleanup();
const enc = encodeURIComponent;
let server: ServerProcess;
let peer: HostilePeer;
let romeo: TestUser;
let room: HostedRoom;
/** Does something once, at the first request of the peer that has this in its path. */
let onFirst: { step: string; act: () => Promise<unknown> } | undefined;
let users = 0;

beforeAll(async () => {
  const ca = cleanup.use(await createTestCa());
  const { certFile, keyFile } = await ca.issue(['localhost', '127.0.0.1']);
  const port = await freePort();
  const env = {
    BLINKCHAT_SERVER_NAME: `localhost:${port}`,
    BLINKCHAT_TLS_PORT: String(port),
    BLINKCHAT_TLS_CERT: certFile,
    BLINKCHAT_TLS_KEY: keyFile,
    BLINKCHAT_OUTBOUND_CA: ca.caFile,
  };
  server = cleanup.use(await startServerProcess({ env }));
  peer = cleanup.use(await startHostilePeer(ca));
});
beforeEach(async () => {
  users += 1;
  romeo = await server.user(`romeo-${users}`);
  room = await hostRoom(peer, { members: MEMBERS });
  onFirst = undefined;
  peer.answer(async (method, path, body) => {
    const doing = onFirst !== undefined && path.includes(onFirst.step) ? onFirst.act : undefined;
    if (doing !== undefined) onFirst = undefined;
    await doing?.();
    if (path.includes('/make_knock/')) return room.template(romeo.id, 'knock');
    if (path.includes('/send_knock/')) return { knock_room_state: room.state.slice(0, 6).map(({ event }) => event) };
    return room.answer(method, path, body);
  });
});
afterAll(async () => await cleanup.run());

const killAt = (step: string) => {
  const killed = Promise.withResolvers<void>();
  onFirst = {
    step,
    act: async () => {
      await server.end('SIGKILL');
      killed.resolve();
    },
  };
  return killed.promise;
};
const come = async (how: 'join' | 'knock') =>
  await romeo.attempt('POST', `/_matrix/client/v3/${how}/${enc(room.roomId)}?via=${peer.name}`, {});
type Sections = { rooms: Record<'join' | 'invite' | 'knock' | 'leave', object> };
/** In which of its sections a first sync shows the room. */
async function sectionsOf(): Promise<string[]> {
  const filter = JSON.stringify({ room: { include_leave: true, state: { lazy_load_members: true } } });
  const { rooms } = (await romeo.sync({ since: '', filter })) as Sections;
  return Object.entries(rooms).flatMap(([name, section]) => (room.roomId in section ? [name] : []));
}
async function expectWholeRoom(): Promise<void> {
  const joined = async () =>
    Object.keys((await romeo.call('GET', `/_matrix/client/v3/rooms/${enc(room.roomId)}/joined_members`))['joined'] as object).length;
  await expect.poll(joined, WAIT).toBe(MEMBERS + 2);
  expect(await sectionsOf()).toEqual(['join']);
  const sent = await romeo.send(room.roomId, 'here after all');
  expect((await romeo.messages(room.roomId, { limit: 1 }))[0]?.event_id).toBe(sent);
}

describe('a server that is killed while somebody joins has no half of the room, and lets them join', () => {
  test.each(['/make_join/', '/send_join/'])('when it asked %s', async (step) => {
    const killed = killAt(step);
    await expect(come('join')).rejects.toThrow();
    await killed;
    await server.start();
    expect(await sectionsOf()).toEqual([]);
    expect((await romeo.attempt('GET', `/_matrix/client/v3/rooms/${enc(room.roomId)}/state`)).status).toBe(403);
    expect((await come('join')).status).toBe(200);
    await expectWholeRoom();
  });

  test.each(MOMENTS_MS)('%i ms after it was given the state', async (momentMs) => {
    const honest = room.answer;
    let killing: Promise<unknown> | undefined;
    peer.answer(async (method, path, body) => {
      const answer = await honest(method, path, body);
      if (!path.includes('/send_join/') || killing !== undefined) return answer;
      return (response: ServerResponse) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
        killing = delay(momentMs).then(() => server.end('SIGKILL'));
      };
    });
    const first = await come('join').catch(() => undefined);
    await killing;
    await server.start();
    if (first?.status === 200) expect(await sectionsOf()).toEqual(['join']);
    else expect([[], ['join']]).toContainEqual(await sectionsOf());
    expect((await come('join')).status).toBe(200);
    await expectWholeRoom();
  });

  test.each(['/state_ids/', '/state/'])('when it asks %s for the members', async (step) => {
    const killed = killAt(step);
    await come('join').catch(() => undefined);
    await killed;
    await server.start();
    expect(await sectionsOf()).toEqual(['join']);
    await expectWholeRoom();
  });
});

test.each(['/make_knock/', '/send_knock/'])('a server that is killed when it asked %s lets who knocked knock again', async (step) => {
  const killed = killAt(step);
  await expect(come('knock')).rejects.toThrow();
  await killed;
  await server.start();
  expect(await sectionsOf()).toEqual([]);
  expect((await come('knock')).status).toBe(200);
  expect(await sectionsOf()).toEqual(['knock']);
});

test.each(['/make_leave/', '/send_leave/'])(
  'a server that is killed when it asked %s still shows the invite, and rejects it',
  async (step) => {
    await room.invite(server, romeo.id);
    expect(await sectionsOf()).toEqual(['invite']);
    const killed = killAt(step);
    await expect(romeo.leave(room.roomId)).rejects.toThrow();
    await killed;
    await server.start();
    expect(await sectionsOf()).toEqual(['invite']);
    await romeo.leave(room.roomId);
    expect(await sectionsOf()).not.toContain('invite');
  },
);

test('a server that is killed while another signs its invite has invited nobody, and invites again', async () => {
  const guest = `@guest:${peer.name}`;
  let isKilled = false;
  peer.answer(async (_method, path, body) => {
    if (!path.includes('/v2/invite/')) return undefined;
    if (!isKilled) await server.end('SIGKILL');
    isKilled = true;
    const { event } = body as { event: Pdu };
    const { signatures, hashes: _, unsigned: __, ...unsigned } = event;
    const signed = await signEvent(unsigned, room.rules, peer.signer);
    return { event: { ...event, signatures: { ...signatures, ...signed.signatures } } };
  });
  const roomId = await romeo.createRoom({ room_version: '10' });
  await expect(romeo.invite(roomId, guest)).rejects.toThrow();
  await server.start();
  const standing = async () => (await romeo.state(roomId)).find((event) => event.state_key === guest)?.content['membership'];
  expect(await standing()).toBeUndefined();
  await romeo.invite(roomId, guest);
  expect(await standing()).toBe('invite');
});
