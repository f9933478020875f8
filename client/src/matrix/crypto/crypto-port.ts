import { createEmitter } from '../observable/emitter.ts';
import type { CryptoCalls, CryptoEngine, CryptoEvent } from './crypto-engine.ts';

/** What a Worker and its page have in common, and a MessagePort too. */
export type CryptoPort = {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
  removeEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
};

type CallName = keyof CryptoCalls;

/** Every call once: an added one that is forgotten here does not compile. */
const CALLS: { readonly [Name in CallName]: true } = {
  identityKeys: true,
  receiveSync: true,
  outgoingRequests: true,
  markSent: true,
  trackUsers: true,
  queryKeys: true,
  markDeviceListsStale: true,
  claimMissingSessions: true,
  shareRoomKey: true,
  setRoomSettings: true,
  encrypt: true,
  decrypt: true,
  discardRoomKey: true,
  crossSigningStatus: true,
  bootstrapCrossSigning: true,
  exportCrossSigningSecrets: true,
  importCrossSigningSecrets: true,
  signOwnDevice: true,
  requestMissingSecrets: true,
  createBackupKey: true,
  backupPublicKey: true,
  isBackupTrusted: true,
  enableBackup: true,
  disableBackup: true,
  backupKeys: true,
  nextBackupBatch: true,
  roomKeyCounts: true,
  importBackup: true,
  receivedSecrets: true,
  forgetReceivedSecrets: true,
  exportRoomKeys: true,
  importRoomKeys: true,
  devices: true,
  userIdentity: true,
  receiveRoomVerificationEvent: true,
  requestSelfVerification: true,
  userVerificationContent: true,
  startUserVerification: true,
  acceptVerification: true,
  confirmVerification: true,
  cancelVerification: true,
  close: true,
};

type CallMessage = { kind: 'call'; id: number; name: CallName; args: unknown[] };
type AnswerMessage = { kind: 'answer'; id: number; value?: unknown; error?: string };
type EventMessage = { kind: 'event'; event: CryptoEvent };

/** Answers calls that come over the port with the engine: the Worker's side. Returns a function that stops it. */
export function serveCryptoEngine(port: CryptoPort, engine: CryptoEngine): () => void {
  const calls = engine as unknown as Record<CallName, (...args: unknown[]) => Promise<unknown>>;

  async function answer({ id, name, args }: CallMessage): Promise<void> {
    try {
      const value = await calls[name](...args);
      port.postMessage({ kind: 'answer', id, value } satisfies AnswerMessage);
    } catch (error) {
      port.postMessage({ kind: 'answer', id, error: error instanceof Error ? error.message : String(error) } satisfies AnswerMessage);
    }
  }

  const onMessage = ({ data }: MessageEvent): void => {
    if (isCall(data)) void answer(data);
  };
  port.addEventListener('message', onMessage);
  const unlisten = engine.listen((event) => port.postMessage({ kind: 'event', event } satisfies EventMessage));
  return () => {
    port.removeEventListener('message', onMessage);
    unlisten();
  };
}

/** An engine whose calls go over the port: the page's side. */
export function connectCryptoEngine(port: CryptoPort): CryptoEngine {
  const events = createEmitter<CryptoEvent>();
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;

  port.addEventListener('message', ({ data }) => {
    const message = data as AnswerMessage | EventMessage;
    if (message.kind === 'event') events.emit(message.event);
    if (message.kind !== 'answer') return;
    const waiter = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) waiter?.resolve(message.value);
    else waiter?.reject(new Error(message.error));
  });

  function call(name: CallName, args: unknown[]): Promise<unknown> {
    lastId += 1;
    const id = lastId;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      port.postMessage({ kind: 'call', id, name, args } satisfies CallMessage);
    });
  }

  const calls = Object.fromEntries(callNames().map((name) => [name, (...args: unknown[]) => call(name, args)]));
  return { ...(calls as unknown as CryptoCalls), listen: events.listen };
}

/** The names of all calls of an engine. */
export function callNames(): CallName[] {
  return Object.keys(CALLS) as CallName[];
}

function isCall(message: unknown): message is CallMessage {
  return (
    typeof message === 'object' &&
    message !== null &&
    'kind' in message &&
    message.kind === 'call' &&
    'name' in message &&
    String(message.name) in CALLS
  );
}
