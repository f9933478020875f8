import { describe, expect, test } from 'vitest';
import { ed25519PublicKey } from '../src/crypto/ed25519.ts';
import { decodeBase64 } from '../src/encoding/base64.ts';
import type { PduDraft } from '../src/events/event.ts';
import { roomVersionRules } from '../src/room-versions/room-versions.ts';
import { signEvent } from '../src/signing/sign-event.ts';
import { signJson, verifyJson } from '../src/signing/sign-json.ts';
import { verifyEventSignature } from '../src/signing/verify-event.ts';

/** https://spec.matrix.org/latest/appendices/#cryptographic-test-vectors (Apache-2.0) */
const seed = decodeBase64('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1') ?? new Uint8Array();
const signer = { serverName: 'domain', keyId: 'ed25519:1', seed };
const check = { serverName: 'domain', keyId: 'ed25519:1', publicKey: ed25519PublicKey(seed) };

describe("the specification's cryptographic vectors", () => {
  test('an empty object', async () => {
    const signed = await signJson({}, signer);
    expect(signed.signatures['domain']?.['ed25519:1']).toBe(
      'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ',
    );
    await expect(verifyJson(signed, check)).resolves.toBe(true);
  });

  test('an object with data', async () => {
    const signed = await signJson({ one: 1, two: 'Two' }, signer);
    expect(signed.signatures['domain']?.['ed25519:1']).toBe(
      'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw',
    );
    await expect(verifyJson({ ...signed, one: 2 }, check)).resolves.toBe(false);
  });

  test('a minimal event', async () => {
    const rules = roomVersionRules('1');
    if (rules === undefined) throw new Error('room version 1 is known');
    const event: PduDraft = {
      room_id: '!x:domain',
      sender: '@a:domain',
      origin: 'domain',
      origin_server_ts: 1000000,
      type: 'X',
      content: {},
      prev_events: [],
      auth_events: [],
      depth: 3,
      unsigned: { age_ts: 1000000 },
    };
    const signed = await signEvent(event, rules, signer);
    expect(signed.hashes.sha256).toBe('5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos');
    expect(signed.signatures['domain']?.['ed25519:1']).toBe(
      'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg',
    );
    await expect(verifyEventSignature(signed, rules, check)).resolves.toBe(true);
  });
});
