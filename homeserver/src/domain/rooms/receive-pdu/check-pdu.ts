import { readEvent } from 'federation-spec/events/check-event-format.ts';
import { isContentHashGood } from 'federation-spec/events/content-hash.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { redactEvent } from 'federation-spec/events/redact-event.ts';
import { roomIdOf } from 'federation-spec/events/room-id-of.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { checkSignatures } from './check-signatures.ts';
import type { FindServerKey } from './room-peers.ts';

/** An event that is well formed, signed by whom it must be, and pruned where its hash did not match. */
export type CheckedPdu = { event: Pdu; eventId: string };
export type PduCheck = { ok: true; pdu: CheckedPdu } | { ok: false; reason: string };

/** The room an event must belong to. */
export type RoomIdentity = { roomId: string; rules: RoomVersionRules };

/**
 * The first three checks on receipt, which look at nothing but the event and its signers' keys:
 *
 * 1. It has the format of the room's version, and belongs to the room.
 * 2. It is signed by all who must sign it.
 * 3. Its hash matches; when it does not, what we have been given is taken to be the redacted copy.
 *
 * https://spec.matrix.org/latest/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export async function checkPdu(value: unknown, { roomId, rules }: RoomIdentity, findServerKey: FindServerKey): Promise<PduCheck> {
  const read = readEvent(value, rules); // 1
  if (!read.ok) return read;
  // What other servers add outside the signature says nothing to us.
  const { unsigned: _, ...event } = read.event;
  if (roomIdOf(event, rules) !== roomId) return { ok: false, reason: `The event belongs to another room than ${roomId}.` };

  const signatures = await checkSignatures(event, rules, findServerKey); // 2
  if (!signatures.allowed) return { ok: false, reason: signatures.reason };

  const kept = isContentHashGood(event) ? event : redactEvent(event, rules); // 3
  return { ok: true, pdu: { event: kept, eventId: eventIdOf(kept, rules) } };
}

/** The good ones among events that came together; the bad ones are dropped without harming the others. */
export async function checkPdus(values: readonly unknown[], room: RoomIdentity, findServerKey: FindServerKey): Promise<CheckedPdu[]> {
  const good = new Map<string, CheckedPdu>();
  for (let start = 0; start < values.length; start += CHECKED_TOGETHER) {
    const checks = await Promise.all(values.slice(start, start + CHECKED_TOGETHER).map((value) => checkPdu(value, room, findServerKey)));
    for (const check of checks) if (check.ok) good.set(check.pdu.eventId, check.pdu);
  }
  return [...good.values()];
}

/** How many signatures are checked at a time, so that a large join leaves the process some air; for some, a silent server is waited for. */
const CHECKED_TOGETHER = 200;
