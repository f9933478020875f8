import { isJsonObject, type Pdu } from 'federation-spec/events/event.ts';

/** An event is brought to everybody for an hour at most. */
export const MAX_STICKY_MS = 3_600_000;

/** For how long an event asks to be brought to everybody; undefined for most. https://github.com/matrix-org/matrix-spec-proposals/pull/4354 */
export function stickyMsOf({ msc4354_sticky: sticky }: Pick<Pdu, 'msc4354_sticky'>): number | undefined {
  const duration = isJsonObject(sticky) ? sticky['duration_ms'] : undefined;
  const isSound = typeof duration === 'number' && Number.isSafeInteger(duration) && duration >= 0;
  return isSound ? Math.min(duration, MAX_STICKY_MS) : undefined;
}

/** When that ends. The time begins when the event was made, or when it came, if that was earlier. */
export function stickyUntil(event: Pdu, receivedAt: number): number | undefined {
  const duration = stickyMsOf(event);
  return duration === undefined ? undefined : Math.min(event.origin_server_ts, receivedAt) + duration;
}
