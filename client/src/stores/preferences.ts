import { defineStore } from 'pinia';
import { ref, watch } from 'vue';

const KEY = 'blinkchat.preferences';

type Kept = { enterSends: boolean; privateReceipts: boolean; compressImages: boolean; recentEmoji: string[] };

const DEFAULTS: Kept = { enterSends: true, privateReceipts: false, compressImages: true, recentEmoji: [] };

function read(): Kept {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    if (typeof kept !== 'object' || kept === null) return DEFAULTS;
    const { enterSends, privateReceipts, compressImages, recentEmoji } = kept as Record<string, unknown>;
    return {
      enterSends: typeof enterSends === 'boolean' ? enterSends : DEFAULTS.enterSends,
      privateReceipts: typeof privateReceipts === 'boolean' ? privateReceipts : DEFAULTS.privateReceipts,
      compressImages: typeof compressImages === 'boolean' ? compressImages : DEFAULTS.compressImages,
      recentEmoji: Array.isArray(recentEmoji) ? recentEmoji.filter((emoji) => typeof emoji === 'string') : DEFAULTS.recentEmoji,
    };
  } catch {
    return DEFAULTS;
  }
}

/** What the user likes, kept in this browser. */
export const usePreferencesStore = defineStore('preferences', () => {
  const kept = read();
  const enterSends = ref(kept.enterSends);
  const privateReceipts = ref(kept.privateReceipts);
  const compressImages = ref(kept.compressImages);
  const recentEmoji = ref(kept.recentEmoji);

  watch([enterSends, privateReceipts, compressImages, recentEmoji], () => {
    const next: Kept = {
      enterSends: enterSends.value,
      privateReceipts: privateReceipts.value,
      compressImages: compressImages.value,
      recentEmoji: recentEmoji.value,
    };
    localStorage.setItem(KEY, JSON.stringify(next));
  });

  return { enterSends, privateReceipts, compressImages, recentEmoji };
});
