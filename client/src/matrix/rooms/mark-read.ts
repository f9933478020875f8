import { setAccountDataPerRoom } from 'federation-spec/api/client/account-data.ts';
import { setReadMarker } from 'federation-spec/api/client/receipts.ts';
import type { ClientContext } from '../client-context.ts';
import { isShown } from '../timeline/build-timeline.ts';
import type { Room } from './room.ts';
import type { RoomRecord } from './room-record.ts';

type Deps = { record: RoomRecord; context: ClientContext };

/** Read receipts and markers: shown at once, told to the server once per newest event. */
export function createReadMarking({ record, context }: Deps): Pick<Room, 'markRead' | 'setMarkedUnread'> {
  const { http, now, ownUserId, touch } = context;
  const { roomId } = record;

  async function setMarkedUnread(unread: boolean): Promise<void> {
    record.accountData.set('m.marked_unread', { unread });
    touch(roomId);
    await http.request(setAccountDataPerRoom, { params: { userId: ownUserId, roomId, type: 'm.marked_unread' }, body: { unread } });
  }

  return {
    setMarkedUnread,
    async markRead(options = {}) {
      const newest = record.timeline.findLast(isShown) ?? record.timeline.at(-1);
      const eventId = newest?.event.event_id;
      if (record.accountData.get('m.marked_unread')?.['unread'] === true) await setMarkedUnread(false);
      if (eventId === undefined || record.ownReceipt?.eventId === eventId) return;

      const before = record.ownReceipt;
      record.ownReceipt = { eventId, timestampMs: now() };
      record.unreadCount = 0;
      record.highlightCount = 0;
      touch(roomId);
      const receipt = options.private === true ? { 'm.read.private': eventId } : { 'm.read': eventId };
      try {
        await http.request(setReadMarker, { params: { roomId }, body: { 'm.fully_read': eventId, ...receipt }, patient: true });
      } catch (error) {
        record.ownReceipt = before;
        throw error;
      }
    },
  };
}
