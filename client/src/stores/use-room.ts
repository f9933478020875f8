import { computed, onScopeDispose, type Ref, shallowRef, watch } from 'vue';
import type { Room } from '../matrix/rooms/room.ts';
import type { RoomMember, RoomPermissions } from '../matrix/rooms/room-member.ts';
import type { RoomSummary } from '../matrix/rooms/room-summary.ts';
import type { TimelineState } from '../matrix/timeline/timeline.ts';
import { useRoomsStore } from './rooms.ts';
import { useSessionStore } from './session.ts';

const NO_PERMISSIONS: RoomPermissions = {
  sendMessages: false,
  react: false,
  redactOthers: false,
  invite: false,
  kick: false,
  ban: false,
  changeName: false,
  changeTopic: false,
  changeAvatar: false,
  changePowerLevels: false,
  enableEncryption: false,
};
const EMPTY_TIMELINE: TimelineState = { items: [], hasOlder: false, isLoadingOlder: false, error: undefined };

/** Everything that a view shows of one room, following `roomId` and the room's own changes. */
export function useRoom(roomId: Readonly<Ref<string>>) {
  const session = useSessionStore();
  const rooms = useRoomsStore();
  const room = shallowRef<Room>();
  const summary = shallowRef<RoomSummary>();
  const timeline = shallowRef<TimelineState>(EMPTY_TIMELINE);
  const members = shallowRef<readonly RoomMember[]>([]);
  const permissions = shallowRef<RoomPermissions>(NO_PERMISSIONS);
  let stops: (() => void)[] = [];

  function close(): void {
    for (const stop of stops) stop();
    stops = [];
  }

  function open(next: Room | undefined): void {
    close();
    room.value = next;
    summary.value = next?.summary.get();
    timeline.value = next?.timeline.state.get() ?? EMPTY_TIMELINE;
    members.value = next?.members.get() ?? [];
    permissions.value = next?.permissions.get() ?? NO_PERMISSIONS;
    if (next === undefined) return;
    stops = [
      next.summary.subscribe((value) => {
        summary.value = value;
      }),
      next.timeline.state.subscribe((value) => {
        timeline.value = value;
      }),
      next.members.subscribe((value) => {
        members.value = value;
      }),
      next.permissions.subscribe((value) => {
        permissions.value = value;
      }),
    ];
  }

  /** The room may come into being after the view (just created, joined, or synced): look again when the list changes. */
  watch(
    [roomId, () => session.client, () => rooms.all],
    () => {
      const next = session.client?.room(roomId.value);
      if (next !== room.value || next?.roomId !== roomId.value) open(next);
    },
    { immediate: true },
  );
  onScopeDispose(close);

  const isKnown = computed(() => room.value !== undefined);
  return { room, summary, timeline, members, permissions, isKnown };
}
