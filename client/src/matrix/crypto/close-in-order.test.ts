import { expect, test } from 'vitest';
import { closeInOrder } from './close-in-order.ts';
import { createCryptoEngine } from './create-crypto-engine.ts';

const DEVICE = { userId: '@romeo:verona.test', deviceId: 'BALCONY', storeName: '', storeKey: new Uint8Array(32), isPersistent: false };

test('an engine that is closed finishes what it was asked before, and takes nothing more', async () => {
  const engine = closeInOrder(await createCryptoEngine(DEVICE));
  const asked = [engine.outgoingRequests(), engine.trackUsers(['@juliet:verona.test']), engine.crossSigningStatus()];
  const closed = engine.close();
  await expect(engine.outgoingRequests()).rejects.toThrow('was stopped');
  const [requests] = await Promise.all(asked);
  expect(requests).toContainEqual(expect.objectContaining({ kind: 'keys-upload' }));
  await closed;
  await expect(engine.close(), 'once more is no harm').resolves.toBeUndefined();
});
