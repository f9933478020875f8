import type { Unsubscribe } from './signal.ts';

/** Something that happens now and then, each time with a payload; unlike a signal it holds no value. */
export type Emitter<Payload> = {
  /** Calls the listener each time until the returned function is called. */
  listen(listener: (payload: Payload) => void): Unsubscribe;
};

export type WritableEmitter<Payload> = Emitter<Payload> & { emit(payload: Payload): void };

/** Builds an emitter. A listener that throws does not keep the others from being told. */
export function createEmitter<Payload>(): WritableEmitter<Payload> {
  const listeners = new Set<(payload: Payload) => void>();
  return {
    listen(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    emit(payload) {
      for (const listener of [...listeners]) {
        try {
          listener(payload);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    },
  };
}
