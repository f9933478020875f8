import { postReceipt, setReadMarker } from 'federation-spec/api/client/receipts.ts';
import type { Receipts } from '../../domain/ephemeral/receipts.ts';
import { invalidParam } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#receipts */
export function receiptRoutes(receipts: Receipts): Route[] {
  return [
    route(postReceipt, async ({ params: { roomId, receiptType, eventId }, body, requester }) => {
      const { thread_id: threadId } = body;
      if (receiptType === 'm.fully_read') {
        if (threadId !== undefined) throw invalidParam('m.fully_read is for all of the room and has no thread_id.');
        await receipts.markFullyRead(requester, { roomId, eventId });
      } else {
        await receipts.mark(requester, { roomId, eventId, isPrivate: receiptType === 'm.read.private', threadId });
      }
      return {};
    }),

    route(setReadMarker, async ({ params: { roomId }, body, requester }) => {
      const { 'm.fully_read': fullyRead, 'm.read': read, 'm.read.private': readPrivately } = body;
      await Promise.all([
        fullyRead === undefined ? undefined : receipts.markFullyRead(requester, { roomId, eventId: fullyRead }),
        read === undefined ? undefined : receipts.mark(requester, { roomId, eventId: read, isPrivate: false }),
        readPrivately === undefined ? undefined : receipts.mark(requester, { roomId, eventId: readPrivately, isPrivate: true }),
      ]);
      return {};
    }),
  ];
}
