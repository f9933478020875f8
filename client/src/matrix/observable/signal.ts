export type Unsubscribe = () => void;

/**
 * A value that changes over time: read it with `get`, be told of the next ones with `subscribe`.
 * A store wraps it thinly: `const rooms = shallowRef(signal.get()); signal.subscribe((value) => { rooms.value = value; })`.
 * Values are immutable: a change is always a new object, so identity tells whether anything changed.
 */
export type Signal<Value> = {
  get(): Value;
  /** Calls the listener at each change (not at once) until the returned function is called. */
  subscribe(listener: (value: Value) => void): Unsubscribe;
};

/** A signal together with the right to change it; only the module that owns the value holds it. */
export type WritableSignal<Value> = Signal<Value> & {
  /** Tells the listeners, unless the value is identical to the present one. */
  set(value: Value): void;
  update(change: (value: Value) => Value): void;
};

/** Builds a signal that holds `initial`. A listener that throws does not keep the others from being told. */
export function createSignal<Value>(initial: Value): WritableSignal<Value> {
  let current = initial;
  const listeners = new Set<(value: Value) => void>();

  function set(value: Value): void {
    if (Object.is(value, current)) return;
    current = value;
    for (const listener of [...listeners]) tell(listener, value);
  }

  return {
    get: () => current,
    set,
    update: (change) => set(change(current)),
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

function tell<Value>(listener: (value: Value) => void, value: Value): void {
  try {
    listener(value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
