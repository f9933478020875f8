import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { PushEffect } from 'federation-spec/push-rules/evaluate-push-rules.ts';
import { MAIN_TIMELINE } from 'federation-spec/push-rules/thread-of.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { type Deviation, listModes, type Mode } from '../../storage/notifications.ts';
import { findThread } from '../rooms/find-room-event.ts';
import { type HotRoom, MEMBER } from '../rooms/hot-room.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import { positionOf } from '../streams/log-batch.ts';
import type { Listener } from './audience.ts';
import { type createJudgeEvent, isCounting } from './judge-event.ts';
import type { OwnEvent } from './own-events.ts';

/** What one step of the follower is going to write. */
export type Notes = {
  ownEvents: OwnEvent[];
  apart: { roomNid: number; position: number; thread: string }[];
  modes: Mode[];
  deviations: Deviation[];
  pushes: { userNid: number; position: number; eventNid: number; roomNid: number; tweaks: string; queuedAt: number }[];
};

export function createNotes(): Notes {
  return { ownEvents: [], apart: [], modes: [], deviations: [], pushes: [] };
}

export type NoteEvent = (notes: Notes, room: HotRoom, event: StoredEvent, notifySeqBefore: number) => Promise<void>;

type Deps = { database: Database; judgeEvent: ReturnType<typeof createJudgeEvent>; clock: Clock; serverName: string };

/**
 * Notes what one event of the log means to our members.
 *
 * 1. The sender has read what was before. 2. The thread it is counted in. 3. Who has muted the room, or no longer.
 * 4. Whose count or highlight differs from what the room counts. 5. Whom to push to.
 */
export function createNoteEvent({ database, judgeEvent, clock, serverName }: Deps): NoteEvent {
  /** What is stored of a person's mode in a room; read once. */
  async function loadMode(listener: Listener, roomNid: number): Promise<boolean> {
    const known = listener.modes.get(roomNid);
    if (known !== undefined) return known;
    const stored = (await listModes(database.sql, listener.userNid, [roomNid])).at(-1)?.counts ?? true;
    listener.modes.set(roomNid, stored);
    return stored;
  }

  return async function noteEvent(notes, room, row, notifySeqBefore) {
    const event = readPdu(row.json);
    const position = positionOf(row);
    const { eventNid, roomNid } = row;
    const isCounted = row.notifySeq > notifySeqBefore;
    const thread = await findThread(database.sql, room, event);

    // 1. The sender has read what was before.
    if (serverNameOf(event.sender) === serverName) {
      const ownThread = event.type === MEMBER && event.state_key === event.sender ? '' : thread;
      notes.ownEvents.push({ roomNid, userNid: row.senderNid, thread: ownThread, eventNid, position, notifySeq: row.notifySeq });
    }

    // 2. The thread it is counted in.
    if (isCounted && thread !== MAIN_TIMELINE) notes.apart.push({ roomNid, position, thread });

    // 3. Who has muted the room, or no longer.
    const { general, people } = await judgeEvent(room, event, { eventId: row.eventId, thread });
    const muted = new Set<number>();
    for (const { userNid, listener } of people) {
      if (listener === undefined) continue;
      const counts = isCounting(room, listener);
      if (counts !== (await loadMode(listener, roomNid))) {
        notes.modes.push({ userNid, roomNid, position: position - 1, notifySeq: notifySeqBefore, counts });
        listener.modes.set(roomNid, counts);
      }
      if (!counts) muted.add(userNid);
    }

    // 4. Whose count or highlight differs from what the room counts.
    const note = (userNid: number, { notify, highlight }: PushEffect): void => {
      if (userNid === row.senderNid) return;
      const delta = Number(notify) - Number(isCounted && !muted.has(userNid));
      const isHighlight = notify && highlight;
      if (delta !== 0 || isHighlight)
        notes.deviations.push({ userNid, roomNid, position, eventNid, thread, delta, highlight: isHighlight });
    };
    const asked = new Set<number>();
    for (const { userNid, effect } of people) {
      asked.add(userNid);
      note(userNid, effect);
    }
    if (general.notify !== isCounted || general.highlight) {
      for (const userNid of room.localJoined) if (!asked.has(userNid)) note(userNid, general);
    }

    // 5. Whom to push to.
    for (const { userNid, effect, listener } of people) {
      if (listener?.hasPusher !== true || !effect.notify || userNid === row.senderNid) continue;
      notes.pushes.push({ userNid, position, eventNid, roomNid, tweaks: JSON.stringify(effect.tweaks), queuedAt: clock.now() });
    }
  };
}
