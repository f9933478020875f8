import { postMessage, postRedaction, redactEvent, sendMessage } from 'federation-spec/api/client/send.ts';
import { setRoomStateWithKey } from 'federation-spec/api/client/state.ts';
import { readInteger } from 'federation-spec/api/schemas/query.ts';
import type { DelayedEvents } from '../../domain/rooms/delayed-events.ts';
import type { SendEvent } from '../../domain/rooms/send-event.ts';
import type { SetState } from '../../domain/rooms/set-state.ts';
import { MAX_STICKY_MS } from '../../domain/rooms/sticky/sticky-of.ts';
import { invalidParam } from '../../platform/matrix-error.ts';
import type { Requester } from '../http/requester.ts';
import { type Route, raw, route } from '../http/route.ts';

/** Only application services say when something happened. https://spec.matrix.org/latest/application-service-api/#timestamp-massaging */
function timeGiven(ts: string | undefined, { appservice }: Requester): { originServerTs?: number } {
  const originServerTs = appservice === undefined ? undefined : readInteger(ts);
  return originServerTs === undefined ? {} : { originServerTs };
}

const STICKY = 'org.matrix.msc4354.sticky_duration_ms';

/** For how long everybody in the room is brought it. https://github.com/matrix-org/matrix-spec-proposals/pull/4354 */
function stickiness(query: { readonly [STICKY]?: string | undefined }): { stickyMs?: number } {
  const stickyMs = readInteger(query[STICKY]);
  if (stickyMs === undefined) return {};
  if (stickyMs < 0 || stickyMs > MAX_STICKY_MS) throw invalidParam(`${STICKY} is a number of milliseconds up to ${MAX_STICKY_MS}.`);
  return { stickyMs };
}

/** https://spec.matrix.org/latest/client-server-api/#sending-events-to-a-room */
export function roomSendRoutes(sendEvent: SendEvent, setState: SetState, schedule: DelayedEvents['schedule']): Route[] {
  return [
    route(sendMessage, async ({ params: { roomId, eventType, txnId }, query, body, requester }) => {
      const transaction = { deviceId: requester.deviceId, txnPath: `send/${eventType}/${txnId}` };
      const delay = readInteger(query['org.matrix.msc4140.delay']);
      if (delay !== undefined) {
        const wish = {
          roomId,
          type: eventType,
          content: body,
          delay,
          transaction,
          ...stickiness(query),
          ...timeGiven(query.ts, requester),
        };
        return raw({ json: { delay_id: await schedule({ userNid: requester.userNid, ...wish }) } });
      }
      const eventId = await sendEvent({
        roomId,
        sender: requester.userId,
        senderNid: requester.userNid,
        transaction,
        type: eventType,
        content: body,
        ...stickiness(query),
        ...timeGiven(query.ts, requester),
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
        redactsOwnOnly: requester.isSuspended === true,
      });
      return { event_id: redactionId };
    }),

    route(postMessage, async ({ params: { roomId, eventType: type }, query, body: content, requester }) => {
      const { userId: sender, userNid: senderNid } = requester;
      return { event_id: await sendEvent({ roomId, sender, senderNid, type, content, ...timeGiven(query.ts, requester) }) };
    }),

    route(postRedaction, async ({ params: { roomId, eventId: redacts }, body, requester }) => {
      const { userId: sender, userNid: senderNid, isSuspended = false } = requester;
      const content = body.reason === undefined ? {} : { reason: body.reason };
      const redaction = { type: 'm.room.redaction', content, redacts, redactsOwnOnly: isSuspended };
      return { event_id: await sendEvent({ roomId, sender, senderNid, ...redaction }) };
    }),

    route(setRoomStateWithKey, async ({ params: { roomId, eventType, stateKey }, query, body, requester }) => {
      const wish = {
        roomId,
        type: eventType,
        stateKey: stateKey ?? '',
        content: body,
        ...stickiness(query),
        ...timeGiven(query.ts, requester),
      };
      const delay = readInteger(query['org.matrix.msc4140.delay']);
      if (delay !== undefined) return raw({ json: { delay_id: await schedule({ userNid: requester.userNid, ...wish, delay }) } });
      const eventId = await setState(requester, wish);
      return { event_id: eventId };
    }),
  ];
}
