import { encodeCanonicalJson } from 'federation-spec/canonical-json/encode-canonical-json.ts';
import type { Verdict } from 'federation-spec/verdict.ts';
import type { EventKind, StoredEvent } from '../../../storage/events.ts';
import type { KnownEvent } from './auth-states.ts';
import type { CheckedPdu } from './check-pdu.ts';

type Judged = {
  pdu: CheckedPdu;
  roomNid: number;
  eventNid: number;
  senderNid: number;
  keyNid: number | null;
  authEvents: readonly KnownEvent[];
  verdict: Verdict;
  /** What the event is when it is allowed. */
  kind: Extract<EventKind, 'outlier' | 'backfilled'>;
};

/** The row of an event that stands at no position of the log: no sync and no follower sees it. */
export function unpositionedRow({ pdu, roomNid, eventNid, senderNid, keyNid, authEvents, verdict, kind }: Judged): StoredEvent {
  const { event, eventId } = pdu;
  return {
    eventNid,
    eventId,
    roomNid,
    kind: verdict.allowed ? kind : 'rejected',
    position: null,
    topological: 0,
    senderNid,
    type: event.type,
    keyNid,
    originServerTs: event.origin_server_ts,
    auth: authEvents.map((auth) => auth.eventNid),
    basePos: null,
    baseSnapshot: null,
    notifySeq: 0,
    deviceId: null,
    txnPath: null,
    reason: verdict.allowed ? null : verdict.reason,
    redactedBy: null,
    json: encodeCanonicalJson(event),
  };
}
