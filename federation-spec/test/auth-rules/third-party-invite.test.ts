import { describe, expect, test } from 'vitest';
import { createAuthState } from '../../src/auth-rules/auth-state.ts';
import { checkAuthRules } from '../../src/auth-rules/check-auth-rules.ts';
import { ed25519PublicKey } from '../../src/crypto/ed25519.ts';
import { encodeBase64 } from '../../src/encoding/base64.ts';
import type { JsonObject } from '../../src/events/event.ts';
import { signJson } from '../../src/signing/sign-json.ts';
import { ALICE, BOB, CAROL, createTestRoom, DAVE, EVE, joinOf, membershipBy } from '../kit/test-room.ts';

const IDENTITY_SEED = new Uint8Array(32).fill(7);
const OTHER_SEED = new Uint8Array(32).fill(8);
const signer = (seed: Uint8Array) => ({ serverName: 'identity.test', keyId: 'ed25519:0', seed });
const keyOf = (seed: Uint8Array): string => encodeBase64(ed25519PublicKey(seed));

/** Alice invited an address; the identity server says it is `mxid`'s; `sender` redeems the invitation for `target`. */
async function redeem({
  keys = { public_key: keyOf(IDENTITY_SEED) },
  seed = IDENTITY_SEED,
  mxid = DAVE,
  target = DAVE,
  sender = ALICE,
  patch = {},
}: {
  keys?: JsonObject;
  seed?: Uint8Array;
  mxid?: string;
  target?: string;
  sender?: string;
  patch?: JsonObject;
} = {}) {
  const room = createTestRoom('11');
  const sent = room.sendAll(room.begin(), [
    joinOf(BOB),
    joinOf(CAROL),
    membershipBy(BOB, EVE, 'ban'),
    { type: 'm.room.third_party_invite', sender: ALICE, stateKey: 'token', content: { display_name: 'd…', ...keys } },
  ]);
  const state = sent.at(-1)?.state ?? new Map();
  const signed = { ...(await signJson({ mxid, token: 'token' }, signer(seed))), ...patch };
  const { event } = room.send(state, membershipBy(sender, target, 'invite', { third_party_invite: { display_name: 'd…', signed } }));
  const stateEvents = [...state.values()].map((eventId) => room.findEvent(eventId)).filter((found) => found !== undefined);
  return checkAuthRules(event, createAuthState(stateEvents), room.rules);
}

describe('an invitation by e-mail address is redeemed', () => {
  test('when the identity server signed it', async () => {
    expect(await redeem()).toEqual({ allowed: true });
  });

  test('with any of several keys', async () => {
    const keys = { public_keys: [{ public_key: keyOf(OTHER_SEED) }, { public_key: keyOf(IDENTITY_SEED) }] };
    expect(await redeem({ keys })).toEqual({ allowed: true });
  });

  test.each([
    ['when another key signed it', { seed: OTHER_SEED }, /No key/],
    ['when it is for another user', { mxid: CAROL }, /is for "@carol:c.test"/],
    ['by anybody but who made it', { sender: BOB }, /was made by @alice/],
    ['for a banned user', { mxid: EVE, target: EVE }, /banned/],
    ['with a token that was changed after signing', { patch: { extra: 'changed' } }, /No key/],
    ['with a token the room does not know', { patch: { token: 'unknown' } }, /no m.room.third_party_invite event/],
    ['without signatures', { patch: { signatures: {} } }, /No key/],
    ['with signatures that are no object', { patch: { signatures: ['x'] } }, /No key/],
    ['with keys that are no base64', { keys: { public_key: '!', public_keys: [null, 'x', {}] } }, /No key/],
  ])('not %s', async (_, options, reason) => {
    expect(await redeem(options)).toEqual({ allowed: false, reason: expect.stringMatching(reason) });
  });

  test('not by trying thousands of signatures', async () => {
    const real = await signJson({ mxid: DAVE, token: 'token' }, signer(IDENTITY_SEED));
    const wrong = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, n) => [`ed25519:${n}`, encodeBase64(new Uint8Array(64).fill(n % 250))]),
    );
    const signatures = { 'a.test': wrong, ...real.signatures };
    expect(await redeem({ patch: { signatures } })).toMatchObject({ allowed: false });
  });
});
