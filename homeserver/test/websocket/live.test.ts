import { LIVE_PATH } from 'federation-spec/api/blinkchat/live.ts';
import { expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, TEST_PASSWORD } from '../kit/test-user.ts';

type Frame = {
  type: string;
  sync?: { next_batch: string; rooms: { join: Record<string, { timeline: { events: { content: { body?: string } }[] } }> } };
  errcode?: string;
  soft_logout?: boolean;
};

/** A live connection as a client holds it: frames are waited for one by one. */
async function openLive(server: TestServer, first: unknown) {
  const socket = new WebSocket(server.url.replace('http', 'ws') + LIVE_PATH);
  const frames: Frame[] = [];
  const waiting: ((frame: Frame) => void)[] = [];
  socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(String(data)) as Frame;
    const next = waiting.shift();
    if (next === undefined) frames.push(frame);
    else next(frame);
  });
  const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)));
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  socket.send(JSON.stringify(first));
  const nextFrame = async (): Promise<Frame> => frames.shift() ?? (await new Promise((resolve) => waiting.push(resolve)));
  return {
    closed,
    nextFrame,
    ack: (since: string) => socket.send(JSON.stringify({ type: 'ack', since })),
    send: (frame: unknown) => socket.send(JSON.stringify(frame)),
    [Symbol.dispose]: () => socket.close(),
  };
}

test('what happens is pushed, one acknowledged answer after the other', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom();
  using live = await openLive(server, { type: 'start', access_token: romeo.accessToken });
  expect(await live.nextFrame()).toEqual({ type: 'started' });
  const initial = await live.nextFrame();
  expect(Object.keys(initial.sync?.rooms.join ?? {})).toEqual([roomId]);
  live.ack(initial.sync?.next_batch ?? '');

  const heard: string[] = [];
  for (const body of ['one', 'two', 'three']) {
    await romeo.send(roomId, body);
    while (!heard.includes(body)) {
      const frame = await live.nextFrame();
      if (frame.sync === undefined) continue;
      for (const event of frame.sync.rooms.join[roomId]?.timeline.events ?? [])
        if (event.content.body !== undefined) heard.push(event.content.body);
      live.ack(frame.sync.next_batch);
    }
  }
  expect(heard).toEqual(['one', 'two', 'three']);
});

test('a bad token, a frame that is none, and a foreign place are told and end the connection', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  using stranger = await openLive(server, { type: 'start', access_token: 'nonsense' });
  expect(await stranger.nextFrame()).toMatchObject({ type: 'error', errcode: 'M_UNKNOWN_TOKEN' });
  expect(await stranger.closed).toBe(4001);
  using babbler = await openLive(server, { hello: 'world' });
  expect(await babbler.closed).toBe(4002);
  using lost = await openLive(server, { type: 'start', access_token: romeo.accessToken, since: 's999999999_x_0' });
  expect(await lost.closed).toBe(4003);
});

test('a log-out ends the connection before the next answer', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  await romeo.join(roomId);
  using live = await openLive(server, { type: 'start', access_token: romeo.accessToken });
  await live.nextFrame();
  const initial = await live.nextFrame();
  await romeo.call('POST', '/_matrix/client/v3/logout', {});
  live.ack(initial.sync?.next_batch ?? '');
  expect(await live.closed).toBe(4001);
});

test('S30: a device holds only so many connections, and may open another when it has closed one', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const first = { type: 'start', access_token: romeo.accessToken };
  const held = await Promise.all(Array.from({ length: 8 }, () => openLive(server, first)));
  for (const live of held) expect((await live.nextFrame()).type).toBe('started');
  const refused = await openLive(server, first);
  expect(await refused.nextFrame()).toMatchObject({ type: 'error', errcode: 'M_LIMIT_EXCEEDED' });
  expect(await refused.closed).toBe(4009);
  held[0]?.[Symbol.dispose]();
  await held[0]?.closed;
  await expect
    .poll(async () => {
      const live = await openLive(server, first);
      held.push(live);
      return (await live.nextFrame()).type;
    })
    .toBe('started');
  for (const live of held) live[Symbol.dispose]();
});

test('what happens once a token has expired, or was logged out, is not told to who still listens', async () => {
  const clock = createFakeClock();
  await using server = await startServer({ clock });
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  await romeo.join(roomId);
  const identifier = { type: 'm.id.user', user: 'romeo' };
  const logIn = { type: 'm.login.password', identifier, password: TEST_PASSWORD, refresh_token: true };
  const { body: session } = await callServer(server.url, 'POST', '/_matrix/client/v3/login', logIn);
  using expiring = await openLive(server, { type: 'start', access_token: session['access_token'] });
  using leaving = await openLive(server, { type: 'start', access_token: romeo.accessToken });
  for (const live of [expiring, leaving]) {
    await live.nextFrame();
    live.ack((await live.nextFrame()).sync?.next_batch ?? '');
  }

  clock.advance(3_600_001);
  await romeo.call('POST', '/_matrix/client/v3/logout', {});
  await juliet.send(roomId, 'Art thou gone so?');
  expect(await untilError(expiring)).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN', soft_logout: true });
  expect(await untilError(leaving)).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
  expect(await expiring.closed).toBe(4001);
  expect(await leaving.closed).toBe(4001);
});

/** The error that a connection ends with; nothing of the room is told before it. */
async function untilError(live: Awaited<ReturnType<typeof openLive>>): Promise<Frame> {
  for (;;) {
    const frame = await live.nextFrame();
    if (frame.type === 'error') return frame;
    expect(JSON.stringify(frame)).not.toContain('Art thou gone');
    live.ack(frame.sync?.next_batch ?? '');
  }
}
