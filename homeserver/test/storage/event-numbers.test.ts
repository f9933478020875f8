import { expect, test } from 'vitest';
import { insertUnpositionedEvents, listEventsById } from '../../src/storage/events.ts';
import { startRooms } from '../kit/start-rooms.ts';

test('an event that was stored meanwhile under another number does not enter the log under a number that nothing stands for', async () => {
  await using rooms = await startRooms();
  const { sql } = rooms.database;
  const romeo = await rooms.user('romeo');
  const roomId = await rooms.createRoomForUser(romeo, {});
  const sent = {
    roomId,
    sender: romeo.userId,
    senderNid: romeo.userNid,
    type: 'm.room.message',
    content: { msgtype: 'm.text', body: 'hello' },
  };
  const eventId = await rooms.sendEvent(sent);
  const [stored] = await listEventsById(sql, [eventId]);
  if (stored === undefined) throw new Error('the message is not stored');

  const [first, second] = [rooms.interner.nextEventNid(), rooms.interner.nextEventNid()];
  const other = { ...stored, eventId: '$came-twice', position: null, auth: [] };
  await insertUnpositionedEvents(sql, [{ ...other, eventNid: first, kind: 'outlier' }]);
  const append = (eventNid: number) =>
    rooms.log.append({
      events: [
        {
          row: { ...other, eventNid, kind: 'timeline' },
          isOnMainLine: true,
          stateChanges: [],
          memberships: [],
          heads: [eventNid],
          wakes: {},
        },
      ],
    });
  const read = async () => {
    const [event] = await listEventsById(sql, ['$came-twice']);
    const [room] = await sql<{ heads: string }[]>`select heads::text as heads from rooms where room_id = ${roomId}`;
    return [event?.eventNid, event?.kind, room?.heads];
  };

  await expect(append(second)).rejects.toThrow();
  expect(await read()).toEqual([first, 'outlier', `{${stored.eventNid}}`]);
  await append(first);
  expect(await read()).toEqual([first, 'timeline', `{${first}}`]);
});
