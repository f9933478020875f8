import type { StartCryptoOptions } from '../platform.ts';
import { createCryptoEngine } from './create-crypto-engine.ts';
import type { CryptoEngine } from './crypto-engine.ts';
import { type CryptoPort, connectCryptoEngine, serveCryptoEngine } from './crypto-port.ts';

type StartMessage = { kind: 'start'; options: StartCryptoOptions & { wasmUrl?: string } };
type StartedMessage = { kind: 'started'; error?: string };

/**
 * Runs in the Worker: waits for the start message, opens the store, then answers calls.
 * The host's worker file is two lines: import this, and `runCryptoWorker(self)`.
 */
export function runCryptoWorker(port: CryptoPort): void {
  const onMessage = ({ data }: MessageEvent): void => {
    const message = data as StartMessage;
    if (message.kind !== 'start') return;
    port.removeEventListener('message', onMessage);
    start(message).then(
      () => port.postMessage({ kind: 'started' } satisfies StartedMessage),
      (error: unknown) => port.postMessage({ kind: 'started', error: String(error) } satisfies StartedMessage),
    );
  };

  async function start({ options }: StartMessage): Promise<void> {
    const engine = await createCryptoEngine({ ...options, isPersistent: true });
    serveCryptoEngine(port, engine);
  }

  port.addEventListener('message', onMessage);
}

/** The part of a Worker that is used here. */
type CryptoWorker = CryptoPort & { terminate(): void; addEventListener(type: 'error', listener: () => void): void };

/**
 * Starts the engine in a Worker that the host made; for `MatrixPlatform.startCrypto`. Throws when its script cannot be loaded, or the store
 * cannot be opened.
 */
export async function connectCryptoWorker(worker: CryptoWorker, options: StartCryptoOptions & { wasmUrl?: string }): Promise<CryptoEngine> {
  await new Promise<void>((resolve, reject) => {
    const onMessage = ({ data }: MessageEvent): void => {
      const message = data as StartedMessage;
      if (message.kind !== 'started') return;
      worker.removeEventListener('message', onMessage);
      if (message.error === undefined) resolve();
      else reject(new Error(message.error));
    };
    worker.addEventListener('message', onMessage);
    worker.addEventListener('error', () => reject(new Error('The encryption cannot be started: its script could not be loaded.')));
    worker.postMessage({ kind: 'start', options } satisfies StartMessage);
  });
  const engine = connectCryptoEngine(worker);
  return {
    ...engine,
    /** The Worker goes too: only then nothing holds the store open. */
    async close() {
      await engine.close();
      worker.terminate();
    },
  };
}
