import { readonly, ref } from 'vue';

export type Toast = { id: number; kind: 'info' | 'error' | 'good'; text: string };

const SHOWN_MS = 6_000;
const MAX_TOASTS = 4;

const toasts = ref<Toast[]>([]);
let nextId = 1;

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

function show(kind: Toast['kind'], text: string): void {
  if (toasts.value.some((toast) => toast.text === text)) return;
  const id = nextId++;
  toasts.value = [...toasts.value, { id, kind, text }].slice(-MAX_TOASTS);
  setTimeout(() => dismiss(id), SHOWN_MS);
}

/** Short notices at the edge of the window; the same text is never shown twice at once. */
export function useToasts() {
  return { toasts: readonly(toasts), show, dismiss };
}
