import { expect, test } from 'vitest';
import { connectCryptoWorker } from './crypto-worker.ts';

const OPTIONS = { userId: '@romeo:hs.test', deviceId: 'PHONE', storeName: 'romeo', storeKey: new Uint8Array(32) };

test('a worker whose script cannot be loaded is told of, and not waited for', async () => {
  const events = new Map<string, (event: MessageEvent) => void>();
  const worker = {
    addEventListener: (type: string, listener: (event: MessageEvent) => void) => void events.set(type, listener),
    removeEventListener: (type: string) => void events.delete(type),
    postMessage: () => undefined,
    terminate: () => undefined,
  };
  const connecting = connectCryptoWorker(worker, OPTIONS);
  events.get('error')?.(new MessageEvent('error'));
  await expect(connecting).rejects.toThrow('could not be loaded');
});
