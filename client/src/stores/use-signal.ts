import { onScopeDispose, type ShallowRef, shallowRef } from 'vue';
import type { Signal } from '../matrix/observable/signal.ts';

/** A signal of the core as a Vue ref, for as long as the surrounding scope (component, store) lives. */
export function useSignal<Value>(signal: Signal<Value>): Readonly<ShallowRef<Value>> {
  const value = shallowRef(signal.get());
  onScopeDispose(
    signal.subscribe((next) => {
      value.value = next;
    }),
  );
  return value;
}
