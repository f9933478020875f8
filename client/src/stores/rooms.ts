import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import type { RoomSummary } from '../matrix/rooms/room-summary.ts';
import { useSessionStore } from './session.ts';

export type RoomFilter = 'all' | 'unread' | 'people' | 'rooms' | 'invites';

/** Whether the list should draw the eye to the room. */
export function isUnread(room: RoomSummary): boolean {
  return room.unreadCount > 0 || room.highlightCount > 0 || room.isMarkedUnread;
}

const FILTERS: Record<RoomFilter, (room: RoomSummary) => boolean> = {
  all: () => true,
  unread: (room) => isUnread(room) || room.membership === 'invite',
  people: (room) => room.isDirect,
  rooms: (room) => !room.isDirect,
  invites: (room) => room.membership === 'invite',
};

/** The room list: what the core knows, searched and filtered. */
export const useRoomsStore = defineStore('rooms', () => {
  const session = useSessionStore();
  const all = shallowRef<readonly RoomSummary[]>([]);
  const search = ref('');
  const filter = ref<RoomFilter>('all');

  watch(
    () => session.client,
    (client, _previous, onCleanup) => {
      all.value = client?.rooms.get() ?? [];
      if (client === undefined) return;
      onCleanup(
        client.rooms.subscribe((rooms) => {
          all.value = rooms;
        }),
      );
    },
    { immediate: true },
  );

  const listed = computed(() => all.value.filter((room) => (room.membership === 'join' || room.membership === 'invite') && !room.isSpace));
  const visible = computed(() => {
    const term = search.value.trim().toLocaleLowerCase();
    const found = listed.value.filter((room) => FILTERS[filter.value](room) && matches(room, term));
    return [...found].sort((a, b) => rank(a) - rank(b));
  });
  const unreadTotal = computed(() => listed.value.filter((room) => !room.isMuted && isUnread(room)).length);
  const inviteTotal = computed(() => listed.value.filter((room) => room.membership === 'invite').length);

  return { all, search, filter, visible, unreadTotal, inviteTotal };
});

/** Invitations first, then favourites, low priority last; within these the core's order (latest first) stays. */
function rank(room: RoomSummary): number {
  if (room.membership === 'invite') return 0;
  if (room.isFavourite) return 1;
  return room.isLowPriority ? 3 : 2;
}

function matches(room: RoomSummary, term: string): boolean {
  if (term === '') return true;
  return [room.name, room.canonicalAlias ?? '', room.directUserId ?? ''].some((text) => text.toLocaleLowerCase().includes(term));
}
