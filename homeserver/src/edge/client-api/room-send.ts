import { redactEvent, sendMessage } from 'federation-spec/api/client/send.ts';
import { setRoomStateWithKey } from 'federation-spec/api/client/state.ts';
import type { SendEvent } from '../../domain/rooms/send-event.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#sending-events-to-a-room */
export function roomSendRoutes(sendEvent: SendEvent): Route[] {
  return [
    route(sendMessage, async ({ params: { roomId, eventType, txnId }, body, requester }) => {
      const eventId = await sendEvent({
        roomId,
        sender: requester.userId,
        senderNid: requester.userNid,
        transaction: { deviceId: requester.deviceId, txnPath: `send/${eventType}/${txnId}` },
        type: eventType,
        content: body,
      });
      return { event_id: eventId };
    }),

    route(redactEvent, async ({ params: { roomId, eventId, txnId }, body, requester }) => {
      const redactionId = await sendEvent({
        roomId,
        sender: requester.userId,
        senderNid: requester.userNid,
        transaction: { deviceId: requester.deviceId, txnPath: `redact/${eventId}/${txnId}` },
        type: 'm.room.redaction',
        content: body.reason === undefined ? {} : { reason: body.reason },
        redacts: eventId,
      });
      return { event_id: redactionId };
    }),

    route(setRoomStateWithKey, async ({ params: { roomId, eventType, stateKey }, body, requester }) => {
      const eventId = await sendEvent({
        roomId,
        sender: requester.userId,
        senderNid: requester.userNid,
        type: eventType,
        stateKey: stateKey ?? '',
        content: body,
      });
      return { event_id: eventId };
    }),
  ];
}
