import { redactEvent } from 'federation-spec/api/client/send.ts';
import type { ClientContext } from '../client-context.ts';
import type { JsonObject } from '../json.ts';
import { createDerivedSignal } from '../observable/derived-signal.ts';
import { randomId } from '../random-id.ts';
import { editContent, mediaContent, messageContent } from '../send/message-content.ts';
import type { OutgoingMedia } from '../send/outgoing-message.ts';
import { createTimeline } from '../timeline/create-timeline.ts';
import { isSame } from '../timeline/reuse-unchanged.ts';
import { createReadMarking } from './mark-read.ts';
import { listMembers } from './member-names.ts';
import { permissionsOf } from './power-levels.ts';
import type { Room } from './room.ts';
import { createRoomActions } from './room-actions.ts';
import type { RoomMember, RoomPermissions } from './room-member.ts';
import { type RoomRecord, stateContent } from './room-record.ts';
import type { RoomSummary } from './room-summary.ts';
import { createTyping } from './typing.ts';

type Deps = {
  record: RoomRecord;
  context: ClientContext;
  summarize: (record: RoomRecord) => RoomSummary;
  loadMembers: (record: RoomRecord) => Promise<void>;
  uploadProgress: ReadonlyMap<string, number>;
  echoKeys: ReadonlyMap<string, string>;
};

export type RoomHandle = Room & { invalidate(): void; invalidateTimeline(): void };

/** A room as views use it: signals over its record, and everything that can be done in it. */
export function createRoomHandle({ record, context, summarize, loadMembers, uploadProgress, echoKeys }: Deps): RoomHandle {
  const { queue, now, ownUserId } = context;
  const { roomId } = record;
  const timeline = createTimeline({ record, context, uploadProgress, echoKeys });
  const summary = createDerivedSignal<RoomSummary>((previous) => keepSame(previous, summarize(record)));
  const members = createDerivedSignal<readonly RoomMember[]>((previous) => keepSame(previous, listMembers(record)));
  const permissions = createDerivedSignal<RoomPermissions>((previous) => keepSame(previous, permissionsOf(record, ownUserId)));

  function enqueue(type: string, content: JsonObject, media?: OutgoingMedia, txnId = randomId()): string {
    queue.add({ txnId, roomId, type, content, createdAtMs: now(), state: 'waiting', eventId: undefined, failure: undefined, media });
    return txnId;
  }

  async function redact(eventId: string, reason?: string): Promise<void> {
    const body = reason === undefined ? {} : { reason };
    await context.http.request(redactEvent, { params: { roomId, eventId, txnId: randomId() }, body, patient: true });
  }

  return {
    roomId,
    summary,
    timeline,
    members,
    permissions,
    loadMembers: () => loadMembers(record),
    stateContent: (type, stateKey = '') => stateContent(record, type, stateKey),
    invalidate() {
      timeline.invalidate();
      summary.invalidate();
      members.invalidate();
      permissions.invalidate();
    },
    invalidateTimeline: timeline.invalidate,
    sendMessage: (message) => enqueue('m.room.message', messageContent(message)),
    sendMedia: (media) => enqueue('m.room.message', mediaContent(media), media),
    sendEvent: (type, content, { txnId } = {}) => enqueue(type, content, undefined, txnId),
    whenSent: (itemKey) => queue.whenSent(roomId, itemKey),
    edit: (eventId, message) => enqueue('m.room.message', editContent(eventId, message)),
    toggleReaction(eventId, key) {
      const item = timeline.state.get().items.find((entry) => entry.eventId === eventId);
      const group = item?.reactions.find((reaction) => reaction.key === key);
      if (group?.ownEventId !== undefined) return void redact(group.ownEventId).catch(reportFailure);
      const waiting = queue.list(roomId).find((entry) => isReaction(entry.content, eventId, key));
      if (waiting !== undefined) return queue.discard(roomId, waiting.txnId);
      enqueue('m.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: eventId, key } });
    },
    redact,
    retry: (itemKey) => queue.retry(roomId, itemKey),
    discard: (itemKey) => queue.discard(roomId, itemKey),
    ...createTyping({ http: context.http, roomId, ownUserId, now }),
    ...createReadMarking({ record, context }),
    ...createRoomActions({ record, context }),
  };
}

function keepSame<Value>(previous: Value | undefined, next: Value): Value {
  return previous !== undefined && isSame(previous, next) ? previous : next;
}

function isReaction(content: JsonObject, eventId: string, key: string): boolean {
  return isSame(content['m.relates_to'], { rel_type: 'm.annotation', event_id: eventId, key });
}

function reportFailure(error: unknown): void {
  console.warn('A reaction could not be taken back', error);
}
