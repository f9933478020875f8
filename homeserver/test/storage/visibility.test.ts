import { expect, test } from 'vitest';
import { insertUnpositionedEvents } from '../../src/storage/events.ts';
import { startRooms } from '../kit/start-rooms.ts';

test('what was said before this server came is not shown where only members may see what is said', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const juliet = await rooms.user('juliet');
  const expectations: [visibility: string, expected: string[]][] = [
    ['joined', []],
    ['shared', ['from afar']],
  ];
  for (const [visibility, expected] of expectations) {
    const roomId = await rooms.createRoomForUser(romeo, {
      preset: 'public_chat',
      initialState: [{ type: 'm.room.history_visibility', stateKey: '', content: { history_visibility: visibility } }],
    });
    await rooms.memberships.join(juliet, { roomId, via: [] });
    const room = await rooms.rooms.load(roomId);
    if (room === undefined) throw new Error('the room is gone');
    const draft = { type: 'm.room.message', sender: romeo.userId, content: { msgtype: 'm.text', body: 'from afar' } };
    const prepared = await room.turns.take(() => rooms.prepareEvent(room, draft, { senderNid: romeo.userNid }));
    await insertUnpositionedEvents(rooms.database.sql, [{ ...prepared.logged.row, kind: 'backfilled', position: null, topological: 1 }]);

    const { chunk } = await rooms.readRoom.messages({ ...juliet, deviceId: 'PHONE' }, { roomId, direction: 'b', limit: 100 });
    expect(chunk.flatMap((event) => event.content['body'] ?? [])).toEqual(expected);
  }
});
