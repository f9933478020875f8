import { writeFileSync } from 'node:fs';
import { ed25519PublicKey } from '../../src/crypto/ed25519.ts';
import { encodeBase64 } from '../../src/encoding/base64.ts';
import type { JsonObject, Pdu } from '../../src/events/event.ts';
import { signJson } from '../../src/signing/sign-json.ts';
import { ALICE, BOB, CAROL, createTestRoom, DAVE, EVE, joinOf, membershipBy } from '../kit/test-room.ts';

/*
 * Writes `vectors/auth-rules/third-party-invites.json`: Alice invited an e-mail address, and an identity server says whose it is. The keys
 * are made of the seeds 07…07 and 08…08. Run it with `node federation-spec/test/make-vectors/write-third-party-vectors.ts`.
 */

const FILE = new URL('../../vectors/auth-rules/third-party-invites.json', import.meta.url);
const VERSION = '11';
const IDENTITY_SEED = new Uint8Array(32).fill(7);
const OTHER_SEED = new Uint8Array(32).fill(8);
const keyOf = (seed: Uint8Array): string => encodeBase64(ed25519PublicKey(seed));

type Redemption = {
  shows: string;
  allowed: boolean;
  invite?: 'one key' | 'several keys' | 'no keys';
  seed?: Uint8Array;
  mxid?: string;
  target?: string;
  sender?: string;
  patch?: JsonObject;
};

const REDEMPTIONS: Redemption[] = [
  { shows: 'An invitation by e-mail address is redeemed when the identity server signed it.', allowed: true },
  { shows: 'Any of several keys will do.', allowed: true, invite: 'several keys' },
  { shows: 'An event that gives no keys lets nobody redeem it.', allowed: false, invite: 'no keys' },
  { shows: 'A signature by another key does not count.', allowed: false, seed: OTHER_SEED },
  { shows: 'The signed user must be the invited one.', allowed: false, mxid: CAROL },
  { shows: 'Only who made the third-party invite redeems it.', allowed: false, sender: BOB },
  { shows: 'A banned user is not invited by third-party invite either.', allowed: false, mxid: EVE, target: EVE },
  { shows: 'What was changed after signing does not count.', allowed: false, patch: { extra: 'changed' } },
  { shows: 'The token names an event of the room.', allowed: false, patch: { token: 'unknown' } },
  { shows: 'Without signatures nothing counts.', allowed: false, patch: { signatures: {} } },
];

const room = createTestRoom(VERSION);
const events: Record<string, Pdu> = {};
let state = room.begin();
for (const draft of [joinOf(BOB), joinOf(CAROL), membershipBy(BOB, EVE, 'ban')]) state = room.send(state, draft).state;
for (const eventId of state.values()) {
  const event = room.events.get(eventId);
  if (event !== undefined) events[`${event.type.replace('m.room.', '')} ${event.state_key}`.trim()] = event;
}
const names = Object.keys(events);
const INVITES = {
  'one key': { public_key: keyOf(IDENTITY_SEED) },
  'several keys': { public_keys: [{ public_key: keyOf(OTHER_SEED) }, { public_key: keyOf(IDENTITY_SEED) }] },
  'no keys': {},
};
const withInvite = new Map(
  Object.entries(INVITES).map(([name, keys]) => {
    const content = { display_name: 'd…', ...keys };
    const sent = room.send(state, { type: 'm.room.third_party_invite', sender: ALICE, stateKey: 'token', content });
    events[`third_party_invite, ${name}`] = sent.event;
    return [name, sent.state];
  }),
);

const cases: string[] = [];
for (const {
  shows,
  allowed,
  invite = 'one key',
  seed = IDENTITY_SEED,
  mxid = DAVE,
  target = DAVE,
  sender = ALICE,
  patch = {},
} of REDEMPTIONS) {
  const signer = { serverName: 'identity.test', keyId: 'ed25519:0', seed };
  const signed = { ...(await signJson({ mxid, token: 'token' }, signer)), ...patch };
  const draft = membershipBy(sender, target, 'invite', { third_party_invite: { display_name: 'd…', signed } });
  const { event } = room.send(withInvite.get(invite) ?? state, { ...draft, prevEvents: ['$previous'] });
  cases.push(JSON.stringify({ shows, state: [...names, `third_party_invite, ${invite}`], event, allowed }));
}
const about = 'Third-party invites of room version 11: may `event` be, given the state made of the named `events`?';
const listed = Object.entries(events).map(([name, event]) => `${JSON.stringify(name)}: ${JSON.stringify(event)}`);
writeFileSync(
  FILE,
  `{\n"about": ${JSON.stringify(about)},\n"room_version": "${VERSION}",\n"events": {\n${listed.join(',\n')}\n},\n"cases": [\n${cases.join(',\n')}\n]\n}\n`,
);
