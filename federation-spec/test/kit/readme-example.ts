import { checkAuthRules } from 'federation-spec/auth-rules/check-auth-rules.ts';
import { checkIrregularities } from 'federation-spec/canonical-json/check-irregularities.ts';
import { readJson } from 'federation-spec/canonical-json/read-json.ts';
import { readEvent } from 'federation-spec/events/check-event-format.ts';
import { isContentHashGood } from 'federation-spec/events/content-hash.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { redactEvent } from 'federation-spec/events/redact-event.ts';
import { splitStateKey, stateKeyOf } from 'federation-spec/events/state-key.ts';
import { type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { listRequiredSigners, verifyEventSignature } from 'federation-spec/signing/verify-event.ts';
import { resolveState } from 'federation-spec/state-resolution/resolve-state.ts';

type State = ReadonlyMap<string, string>; // stateKeyOf(type, stateKey) → event id
type PublicKey = { keyId: string; publicKey: Uint8Array };

/** Reads an event from another server, checks it against the states before it, and gives its id and the resolved state. */
export async function receive(bytes: Uint8Array, version: string, states: State[], events: Map<string, Pdu>, keys: Map<string, PublicKey>) {
  const rules: RoomVersionRules | undefined = roomVersionRules(version);
  if (rules === undefined) throw new Error(`We do not know room version ${version}.`);

  // Parse it: bytes to JSON to an event of this room version.
  const json = readJson(bytes, { numbers: 'exact' });
  if (!json.ok) throw new Error(json.reason);
  const irregular = checkIrregularities(json.irregularities, rules);
  if (!irregular.allowed) throw new Error(irregular.reason);
  const read = readEvent(json.value, rules);
  if (!read.ok) throw new Error(read.reason);

  // Check it: signatures first, then the content hash; when that does not fit, only the redacted form is real.
  for (const serverName of listRequiredSigners(read.event, rules)) {
    const key = keys.get(serverName);
    const isSigned = key !== undefined && (await verifyEventSignature(read.event, rules, { serverName, ...key }));
    if (!isSigned) throw new Error(`${serverName} did not sign the event.`);
  }
  const event = isContentHashGood(read.event) ? read.event : redactEvent(read.event, rules);

  // Resolve the states before it, and ask the authorisation rules.
  const findEvent = (eventId: string) => events.get(eventId);
  const state = resolveState({ rules, stateSets: states, findEvent });
  const verdict = checkAuthRules(event, { find: (type, stateKey) => findEvent(state.get(stateKeyOf(type, stateKey)) ?? '') }, rules);
  if (!verdict.allowed) throw new Error(verdict.reason);
  return { eventId: eventIdOf(event, rules), state: [...state].map(([key, eventId]) => ({ ...splitStateKey(key), eventId })) };
}
