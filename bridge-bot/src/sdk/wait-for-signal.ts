import type { Signal } from 'client/matrix/observable/signal.ts';

/** The first value that satisfies, or nothing after the time. */
export function waitForSignal<Value>(
  signal: Signal<Value>,
  satisfies: (value: Value) => boolean,
  timeoutMs: number,
): Promise<Value | undefined> {
  if (satisfies(signal.get())) return Promise.resolve(signal.get());
  return new Promise((resolve) => {
    const finish = (value: Value | undefined): void => {
      clearTimeout(timer);
      unsubscribe();
      resolve(value);
    };
    const timer = setTimeout(() => finish(undefined), timeoutMs);
    const unsubscribe = signal.subscribe((value) => {
      if (satisfies(value)) finish(value);
    });
  });
}
