import { onScopeDispose, type Ref, readonly, ref } from 'vue';

/** Whether a media query holds, kept up to date while the component lives. */
export function useMediaQuery(query: string): Readonly<Ref<boolean>> {
  const list = window.matchMedia(query);
  const matches = ref(list.matches);
  const update = () => {
    matches.value = list.matches;
  };
  list.addEventListener('change', update);
  onScopeDispose(() => list.removeEventListener('change', update));
  return readonly(matches);
}

/** One pane at a time: the width below which the room list and the room take turns. */
export function useIsPhone(): Readonly<Ref<boolean>> {
  return useMediaQuery('(max-width: 720px)');
}
