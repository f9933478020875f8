import type { Signal } from './signal.ts';

/** A signal whose value is worked out from other things, only when somebody wants it. */
export type DerivedSignal<Value> = Signal<Value> & {
  /** What it is made from changed: it is worked out anew at the next `get`, or soon if anybody listens. */
  invalidate(): void;
};

/** Builds a derived signal. Many invalidations in a row cost one computation. `compute` gets the value before, to keep what did not change. */
export function createDerivedSignal<Value>(compute: (previous: Value | undefined) => Value): DerivedSignal<Value> {
  const listeners = new Set<(value: Value) => void>();
  let known: { value: Value } | undefined;
  let isStale = true;
  let isScheduled = false;
  let told: Value | undefined;

  function get(): Value {
    if (known === undefined || isStale) {
      isStale = false;
      known = { value: compute(known?.value) };
    }
    return known.value;
  }

  function tell(): void {
    isScheduled = false;
    const value = get();
    if (Object.is(told, value)) return;
    told = value;
    for (const listener of [...listeners]) listener(value);
  }

  return {
    get,
    subscribe(listener) {
      if (listeners.size === 0) told = get();
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    invalidate() {
      isStale = true;
      if (isScheduled || listeners.size === 0) return;
      isScheduled = true;
      queueMicrotask(tell);
    },
  };
}
