import { createEmitter } from '../observable/emitter.ts';
import { type CallName, callByName, callsThrough, isCallName } from './calls-by-name.ts';
import type { CryptoEngine, CryptoEvent } from './crypto-engine.ts';

/** What a Worker and its page have in common, and a MessagePort too. */
export type CryptoPort = {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
  removeEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
};

type CallMessage = { kind: 'call'; id: number; name: CallName; args: unknown[] };
type AnswerMessage = { kind: 'answer'; id: number; value?: unknown; error?: string };
type EventMessage = { kind: 'event'; event: CryptoEvent };

/** Answers calls that come over the port with the engine: the Worker's side. Returns a function that stops it. */
export function serveCryptoEngine(port: CryptoPort, engine: CryptoEngine): () => void {
  const call = callByName(engine);

  async function answer({ id, name, args }: CallMessage): Promise<void> {
    try {
      const value = await call(name, args);
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

  return { ...callsThrough(call), listen: events.listen };
}

function isCall(message: unknown): message is CallMessage {
  return (
    typeof message === 'object' &&
    message !== null &&
    'kind' in message &&
    message.kind === 'call' &&
    'name' in message &&
    isCallName(String(message.name))
  );
}
