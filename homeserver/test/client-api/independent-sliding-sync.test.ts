import { createClient, type MatrixClient, NotificationCountType, type Room, RoomEvent } from 'matrix-js-sdk';
import type { Logger } from 'matrix-js-sdk/lib/logger.js';
import { SlidingSync, SlidingSyncEvent, SlidingSyncState } from 'matrix-js-sdk/lib/sliding-sync.js';
import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';

const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => silent };
const LONG_POLL_MS = 10_000;

/** Resolves with the room once a message of it has this text, and all of the answer that brought it is taken in. */
function seen(matrix: MatrixClient, sliding: SlidingSync, text: string): Promise<Room> {
  return new Promise((resolve) => {
    let found: Room | undefined;
    matrix.on(RoomEvent.Timeline, (event, room) => {
      if (event.getContent()['body'] === text) found = room;
    });
    sliding.on(SlidingSyncEvent.Lifecycle, (state) => {
      if (state === SlidingSyncState.Complete && found !== undefined) resolve(found);
    });
  });
}

test('a client that shares no code with ours follows its rooms by sliding sync', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'Balcony' });
  await juliet.join(roomId);
  await romeo.send(roomId, 'But soft!');

  const matrix = createClient({
    baseUrl: server.url,
    userId: juliet.id,
    deviceId: juliet.deviceId,
    accessToken: juliet.accessToken,
    logger: silent,
  });
  const list = { ranges: [[0, 9]], timeline_limit: 10, required_state: [['*', '*']] };
  const sliding = new SlidingSync(
    server.url,
    new Map([['all', list]]),
    { timeline_limit: 20, required_state: [['*', '*']] },
    matrix,
    LONG_POLL_MS,
  );
  const first = seen(matrix, sliding, 'But soft!');
  await matrix.startClient({ slidingSync: sliding });
  try {
    const room = await first;
    expect(room).toMatchObject({ roomId, name: 'Balcony' });
    expect(room.getMyMembership()).toBe('join');
    expect(sliding.getListData('all')).toMatchObject({ joinedCount: 1 });

    const second = seen(matrix, sliding, 'what light');
    await romeo.send(roomId, 'what light');
    expect((await second).getUnreadNotificationCount(NotificationCountType.Total)).toBe(2);
  } finally {
    matrix.stopClient();
  }
});
