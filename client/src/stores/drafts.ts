import { defineStore } from 'pinia';

const PREFIX = 'blinkchat.draft.';

/** Unsent text by room, kept in this browser only. */
export const useDraftsStore = defineStore('drafts', () => {
  function read(roomId: string): string {
    return localStorage.getItem(PREFIX + roomId) ?? '';
  }

  function write(roomId: string, text: string): void {
    if (text.trim() === '') localStorage.removeItem(PREFIX + roomId);
    else localStorage.setItem(PREFIX + roomId, text);
  }

  function clearAll(): void {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(PREFIX)) localStorage.removeItem(key);
    }
  }

  return { read, write, clearAll };
});
