import * as api from 'federation-spec/api/client/delayed-events.ts';
import type { DelayedAction, DelayedEvent, DelayedEvents } from '../../domain/rooms/delayed-events.ts';
import { invalidParam, missingParam, notJson, unrecognizedPath } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';

const ACTIONS: readonly DelayedAction[] = ['send', 'cancel', 'restart'];

/** https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export function delayedEventRoutes(delayed: DelayedEvents): Route[] {
  return [
    route(api.sendDelayedEvent, async ({ params: { roomId, eventType, txnId }, body, requester }) => {
      const delay = body.delay_ms ?? body.delay;
      if (delay === undefined) throw missingParam('Missing key delay_ms');
      const transaction = { deviceId: requester.deviceId, txnPath: `delayed_event/${eventType}/${txnId}` };
      const { state_key: stateKey, content } = body;
      const wish = { userNid: requester.userNid, roomId, type: eventType, stateKey, content, delay, transaction };
      return { delay_id: await delayed.schedule(wish) };
    }),

    route(api.getDelayedEvents, async ({ query, requester }) => {
      const filter = {
        status: query.status,
        roomId: query.room_id,
        type: query.type,
        isBackwards: query.dir === 'b',
        after: query.from === undefined ? undefined : readToken(query.from),
      };
      const { events, isMore } = await delayed.list(requester.userNid, filter);
      const last = events.at(-1);
      const next = isMore && last !== undefined ? { next_batch: `${last.runningSince + last.delay}_${last.delayId}` } : {};
      return { delayed_events: events.map(tell), ...next };
    }),

    route(api.getDelayedEvent, async ({ params, requester }) => tell(await delayed.load(requester.userNid, params.delayId))),

    route(api.updateDelayedEvent, async ({ params: { delayId, action } }) => {
      if (!isAction(action)) throw unrecognizedPath();
      await delayed.act(delayId, action);
      return {};
    }),

    route(api.updateDelayedEventByBody, async ({ params: { delayId }, body: { action }, request }) => {
      if (request.bytes?.length === 0) throw notJson('The body must be JSON, with the action in it.');
      if (action === undefined) throw missingParam('Missing key action');
      if (!isAction(action)) throw invalidParam('The action must be send, cancel or restart.');
      await delayed.act(delayId, action);
      return {};
    }),
  ];
}

function isAction(value: unknown): value is DelayedAction {
  return ACTIONS.some((action) => action === value);
}

function readToken(token: string): { sendAt: number; delayId: string } {
  const [, sendAt, delayId] = /^(\d{1,15})_([\w-]+)$/.exec(token) ?? [];
  if (sendAt === undefined || delayId === undefined) throw invalidParam('from is no token of this endpoint.');
  return { sendAt: Number(sendAt), delayId };
}

function tell(event: DelayedEvent) {
  const result = {
    ...(event.finalisedAt === undefined ? {} : { finalised_ts: event.finalisedAt }),
    ...(event.eventId === undefined ? {} : { event_id: event.eventId }),
    ...(event.error === undefined ? {} : { error: event.error }),
  };
  return {
    delay_id: event.delayId,
    room_id: event.roomId,
    type: event.type,
    ...(event.stateKey === undefined ? {} : { state_key: event.stateKey }),
    content: event.content,
    delay_ms: event.delay,
    delayed_since_ts: event.runningSince,
    ...(event.finalisedAt === undefined ? {} : { finalised: { ...result, finalised_ts: event.finalisedAt } }),
    // By their earlier names, for clients that go by them.
    delay: event.delay,
    running_since: event.runningSince,
    ...result,
  };
}
