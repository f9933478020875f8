import type { JsonObject } from '../json.ts';
import type { Signal } from '../observable/signal.ts';
import type { OutgoingMedia, OutgoingMessage } from '../send/outgoing-message.ts';
import type { Timeline } from '../timeline/timeline.ts';
import type { RoomMember, RoomPermissions } from './room-member.ts';
import type { RoomSummary } from './room-summary.ts';

/** One room of the user: what it shows and all that can be done in it. Sending never waits for the network: see `Timeline` for the echo. */
export type Room = {
  readonly roomId: string;
  summary: Signal<RoomSummary>;
  timeline: Timeline;
  /** Joined and invited members known so far, sorted by power and name; complete after `loadMembers`. */
  members: Signal<readonly RoomMember[]>;
  permissions: Signal<RoomPermissions>;
  /** Loads all members once (they are loaded lazily). */
  loadMembers(): Promise<void>;
  /** The present content of a state event. */
  stateContent(type: string, stateKey?: string): JsonObject | undefined;

  /** Queues a text, emote or notice; returns the key of its timeline item. */
  sendMessage(message: OutgoingMessage): string;
  /** Queues a file: uploads it (encrypted where the room is), then sends. Progress shows in the timeline item. */
  sendMedia(media: OutgoingMedia): string;
  /** Queues any event. With a `txnId` of the caller's own it may be repeated, even after a restart: the server takes it once. */
  sendEvent(type: string, content: JsonObject, options?: { txnId?: string }): string;
  /** Resolves with the event id when the server took what was queued under the key; rejects when it refused. */
  whenSent(itemKey: string): Promise<string>;
  /** Replaces the text of an own message. */
  edit(eventId: string, message: OutgoingMessage): string;
  /** Adds our reaction, or takes it back when it is there. */
  toggleReaction(eventId: string, key: string): void;
  redact(eventId: string, reason?: string): Promise<void>;
  /** Tries a failed item again. */
  retry(itemKey: string): void;
  /** Gives up an item that is not sent yet (cancels its upload). */
  discard(itemKey: string): void;

  /** Tells the others that we type; call it at each key stroke, it sends at most one request every few seconds. */
  setTyping(isTyping: boolean): void;
  /** Marks everything up to the newest event read: public receipt (unless private is asked) and the read marker. */
  markRead(options?: { private?: boolean }): Promise<void>;
  setMarkedUnread(unread: boolean): Promise<void>;

  join(): Promise<void>;
  leave(reason?: string): Promise<void>;
  forget(): Promise<void>;
  invite(userId: string, reason?: string): Promise<void>;
  kick(userId: string, reason?: string): Promise<void>;
  ban(userId: string, reason?: string): Promise<void>;
  unban(userId: string): Promise<void>;
  setPowerLevel(userId: string, level: number): Promise<void>;
  setName(name: string): Promise<void>;
  setTopic(topic: string): Promise<void>;
  setAvatar(mxcUrl: string): Promise<void>;
  enableEncryption(): Promise<void>;
  setFavourite(favourite: boolean): Promise<void>;
  setMuted(muted: boolean): Promise<void>;
  sendState(type: string, stateKey: string, content: JsonObject): Promise<string>;
};
