import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as browserCrypto from '../src/crypto/browser.ts';
import * as nodeCrypto from '../src/crypto/node.ts';
import { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from '../src/encoding/base64.ts';
import { checkEventFormat, readEvent } from '../src/events/check-event-format.ts';
import { isContentHashGood } from '../src/events/content-hash.ts';
import { eventIdOf } from '../src/events/event-id.ts';
import { redactEvent } from '../src/events/redact-event.ts';
import { splitStateKey, stateKeyOf } from '../src/events/state-key.ts';
import { parseEventId } from '../src/identifiers/event-id.ts';
import { mapLocalpart } from '../src/identifiers/map-localpart.ts';
import { parseMatrixLink } from '../src/identifiers/matrix-link.ts';
import { isNamespacedId } from '../src/identifiers/namespaced-id.ts';
import { isOpaqueId } from '../src/identifiers/opaque-id.ts';
import { parseRoomAlias } from '../src/identifiers/room-alias.ts';
import { parseRoomId } from '../src/identifiers/room-id.ts';
import { parseServerName, serverNameOf } from '../src/identifiers/server-name.ts';
import { parseUserId } from '../src/identifiers/user-id.ts';
import { addEventSignature, signEvent } from '../src/signing/sign-event.ts';
import { verifyJson } from '../src/signing/sign-json.ts';
import { listRequiredSigners, verifyEventSignature } from '../src/signing/verify-event.ts';
import { buildXMatrix, parseXMatrix } from '../src/signing/x-matrix.ts';
import { anyEvent, anyRules, canonicalValue } from './kit/arbitrary-events.ts';

const seed = new Uint8Array(32).fill(7);
const signer = { serverName: 'a.test', keyId: 'ed25519:1', seed };
const check = { serverName: 'a.test', keyId: 'ed25519:1', publicKey: nodeCrypto.ed25519PublicKey(seed) };

describe('redaction', () => {
  test('is idempotent and leaves the event given as it was', () => {
    fc.assert(
      fc.property(anyEvent, anyRules, (event, rules) => {
        const before = structuredClone(event);
        const once = redactEvent(event, rules);
        expect(redactEvent(once, rules)).toEqual(once);
        expect(event).toEqual(before);
      }),
    );
  });
});

describe('a signed event', () => {
  test('is good for its signer, whole or redacted, and keeps its id', async () => {
    await fc.assert(
      fc.asyncProperty(anyEvent, anyRules, async (event, rules) => {
        const signed = await signEvent(event, rules, signer);
        const redacted = redactEvent(signed, rules);
        expect(isContentHashGood(signed)).toBe(true);
        await expect(verifyEventSignature(signed, rules, check)).resolves.toBe(true);
        await expect(verifyEventSignature(redacted, rules, check)).resolves.toBe(true);
        expect(eventIdOf(redacted, rules)).toBe(eventIdOf(signed, rules));
        expect(eventIdOf({ ...signed, unsigned: { age: 2 }, signatures: {} }, rules)).toBe(eventIdOf(signed, rules));
      }),
    );
  });

  test('is no longer good when what is protected changed', async () => {
    await fc.assert(
      fc.asyncProperty(anyEvent, anyRules, async (event, rules) => {
        const signed = await signEvent(event, rules, signer);
        await expect(verifyEventSignature({ ...signed, depth: signed.depth + 1 }, rules, check)).resolves.toBe(false);
        expect(isContentHashGood({ ...signed, content: { ...signed.content, added: 1 } })).toBe(false);
      }),
    );
  });

  test('can be signed by a second server, which changes neither hash nor id', async () => {
    await fc.assert(
      fc.asyncProperty(anyEvent, anyRules, async (event, rules) => {
        const signed = await signEvent(event, rules, signer);
        const twice = await addEventSignature(signed, rules, { ...signer, serverName: 'b.test' });
        expect(Object.keys(twice.signatures).sort()).toEqual(['a.test', 'b.test']);
        expect(twice.hashes).toEqual(signed.hashes);
        expect(eventIdOf(twice, rules)).toBe(eventIdOf(signed, rules));
        await expect(verifyEventSignature(twice, rules, check)).resolves.toBe(true);
        await expect(verifyEventSignature(twice, rules, { ...check, serverName: 'b.test' })).resolves.toBe(true);
      }),
    );
  });
});

describe('the two implementations of the crypto', () => {
  test('agree on hashes, keys and signatures', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array(), async (anySeed, bytes) => {
        expect(Buffer.from(nodeCrypto.sha256(bytes))).toEqual(Buffer.from(browserCrypto.sha256(bytes)));
        expect(Buffer.from(nodeCrypto.sha1(bytes))).toEqual(Buffer.from(browserCrypto.sha1(bytes)));
        const publicKey = nodeCrypto.ed25519PublicKey(anySeed);
        expect(Buffer.from(publicKey)).toEqual(Buffer.from(browserCrypto.ed25519PublicKey(anySeed)));
        const signature = await nodeCrypto.signEd25519(anySeed, bytes);
        expect(Buffer.from(signature)).toEqual(Buffer.from(await browserCrypto.signEd25519(anySeed, bytes)));
        for (const { verifyEd25519, verifyEd25519Sync } of [nodeCrypto, browserCrypto]) {
          await expect(verifyEd25519(publicKey, signature, bytes)).resolves.toBe(true);
          expect(verifyEd25519Sync(publicKey, signature, bytes)).toBe(true);
          expect(verifyEd25519Sync(publicKey, signature, Uint8Array.of(...bytes, 1))).toBe(false);
        }
      }),
      { numRuns: 20 },
    );
  });

  test('find no key and no signature in any other bytes, and do not throw', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 70 }), async (publicKey, signature) => {
        for (const { verifyEd25519, verifyEd25519Sync } of [nodeCrypto, browserCrypto]) {
          await expect(verifyEd25519(publicKey, signature, new Uint8Array())).resolves.toBe(false);
          expect(verifyEd25519Sync(publicKey, signature, new Uint8Array())).toBe(false);
        }
      }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        async (publicKey, signature) => {
          for (const { verifyEd25519Sync } of [nodeCrypto, browserCrypto])
            expect(verifyEd25519Sync(publicKey, signature, new Uint8Array(3))).toBe(false);
        },
      ),
    );
  });
});

describe('hostile input', () => {
  test('does not make a parser throw', () => {
    const parsers = [parseUserId, parseRoomId, parseRoomAlias, parseEventId, parseServerName, serverNameOf, parseXMatrix, parseMatrixLink];
    const hostile = fc
      .tuple(
        fc.constantFrom('', '@', '!', '#', '$', 'X-Matrix ', 'X-Matrix a="', 'matrix:u/', 'https://matrix.to/#/'),
        fc.string({ unit: 'binary' }),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(hostile, (text) => {
        for (const parse of [...parsers, decodeBase64, decodeBase64Url, isOpaqueId, isNamespacedId]) parse(text);
      }),
    );
  });

  test('gets a verdict from the check of events, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), canonicalValue), anyRules, (value, rules) => {
        expect(checkEventFormat(value, rules).allowed).toBe(false);
      }),
    );
  });

  test('that passes the check can be hashed, redacted and asked for its signers', () => {
    const strange = fc.tuple(
      anyEvent,
      fc.constantFrom('content', 'state_key', 'unsigned', 'hashes', 'signatures', 'redacts', 'origin'),
      canonicalValue,
    );
    fc.assert(
      fc.property(strange, anyRules, ([event, key, value], rules) => {
        const read = readEvent({ ...event, hashes: { sha256: '' }, [key]: value }, rules);
        if (!read.ok) return;
        expect(eventIdOf(read.event, rules)).toMatch(/^\$/);
        isContentHashGood(read.event);
        listRequiredSigners(read.event, rules);
      }),
    );
  });

  test('without canonical form has no good signature, and that is said without throwing', async () => {
    let nested: unknown = [];
    for (let i = 0; i < 100_000; i++) nested = [nested];
    for (const value of [Number.POSITIVE_INFINITY, nested]) {
      const signatures = { 'a.test': { 'ed25519:1': encodeBase64(new Uint8Array(64)) } };
      await expect(verifyJson({ value, signatures }, check)).resolves.toBe(false);
    }
  });

  test('with time that grows with its length only, in headers too', () => {
    for (const header of [
      `X-Matrix ${'a=b,'.repeat(1_000)}`,
      `X-Matrix origin="${'\\"'.repeat(2_000)}`,
      `X-Matrix ${' \t'.repeat(2_000)}`,
    ]) {
      expect(parseXMatrix(header)).toBeUndefined();
    }
  });
});

describe('what is put together comes apart again', () => {
  test('base64', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
        expect(decodeBase64Url(encodeBase64Url(bytes))).toEqual(bytes);
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString('base64').replace(/=+$/, ''));
      }),
    );
  });

  test('keys of the state', () => {
    fc.assert(
      fc.property(
        fc.string().map((type) => type.replaceAll('\u0000', '')),
        fc.string({ unit: 'binary' }),
        (type, stateKey) => {
          expect(splitStateKey(stateKeyOf(type, stateKey))).toEqual({ type, stateKey });
        },
      ),
    );
  });

  test('the header of a signed request', () => {
    const name = fc.stringMatching(/^[a-z0-9.-]{1,50}(:[0-9]{1,4})?$/);
    fc.assert(
      fc.property(name, name, fc.stringMatching(/^[a-zA-Z0-9_]{1,20}$/), fc.uint8Array(), (origin, destination, key, bytes) => {
        const said = { origin, destination, keyId: `ed25519:${key}`, signature: encodeBase64(bytes) };
        expect(parseXMatrix(buildXMatrix(said))).toEqual(said);
      }),
    );
  });
});

test('any name can become a localpart', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (name) => {
      expect(mapLocalpart(name)).toMatch(/^[a-z0-9._=\-/+]+$/);
    }),
  );
  expect(mapLocalpart('Á_b#', { keepsCase: true })).toBe('=c3=81__b=23');
});
