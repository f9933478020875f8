import { onScopeDispose, type Ref, ref, watch } from 'vue';
import type { MediaSource } from '../matrix/media/media-source.ts';
import { useSessionStore } from './session.ts';

export type MediaState = { url: string | undefined; isLoading: boolean; hasFailed: boolean };

/** Downloads (and decrypts) a file while a component shows it; the object URL is given back afterwards. */
export function useMediaUrl(source: () => MediaSource | undefined, mimeType: () => string | undefined): Readonly<Ref<MediaState>> {
  return useBlobUrl(source, (client, wanted, signal) => client.media.download(wanted, { mimeType: mimeType(), signal }));
}

const AVATAR_PIXELS = 96;

/** The picture of a person or room, at a size fit for lists. */
export function useAvatarUrl(mxcUrl: () => string | undefined): Readonly<Ref<MediaState>> {
  return useBlobUrl(mxcUrl, (client, wanted, signal) =>
    client.media.thumbnail(wanted, { widthPx: AVATAR_PIXELS, heightPx: AVATAR_PIXELS, method: 'crop', signal }),
  );
}

type Client = ReturnType<ReturnType<typeof useSessionStore>['loadClient']>;

function useBlobUrl<Source>(
  source: () => Source | undefined,
  load: (client: Client, wanted: Source, signal: AbortSignal) => Promise<Blob>,
): Readonly<Ref<MediaState>> {
  const session = useSessionStore();
  const state = ref<MediaState>({ url: undefined, isLoading: false, hasFailed: false });

  function release(): void {
    if (state.value.url !== undefined) URL.revokeObjectURL(state.value.url);
  }

  watch(
    [source, () => session.client] as const,
    ([wanted, client], _previous, onCleanup) => {
      release();
      state.value = { url: undefined, isLoading: wanted !== undefined, hasFailed: false };
      if (wanted === undefined || client === undefined) return;
      const abort = new AbortController();
      onCleanup(() => abort.abort());
      load(client, wanted, abort.signal).then(
        (blob) => {
          if (!abort.signal.aborted) state.value = { url: URL.createObjectURL(blob), isLoading: false, hasFailed: false };
        },
        () => {
          if (!abort.signal.aborted) state.value = { url: undefined, isLoading: false, hasFailed: true };
        },
      );
    },
    { immediate: true },
  );
  onScopeDispose(release);
  return state;
}
