import { onScopeDispose } from 'vue';

/** Calls `tick` every so often while the component lives. */
export function useIntervalFn(tick: () => void, everyMs: number): void {
  const timer = setInterval(tick, everyMs);
  onScopeDispose(() => clearInterval(timer));
}
