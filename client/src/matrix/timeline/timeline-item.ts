import type { JsonObject } from '../json.ts';
import type { MediaSource } from '../media/media-source.ts';
import type { Membership } from '../rooms/membership.ts';
import type { Delivery } from './delivery.ts';

/** One line of a timeline: an event with all that relates to it folded in. A new object at every change. */
export type TimelineItem = {
  /** Stays the same from local echo to acknowledged event: the key of a list. */
  key: string;
  /** Nothing yet while the homeserver has not answered. */
  eventId: string | undefined;
  roomId: string;
  sender: string;
  senderName: string;
  senderAvatarUrl: string | undefined;
  isOwn: boolean;
  timestampMs: number;
  body: TimelineBody;
  /** Own messages only. */
  delivery: Delivery | undefined;
  /** Why sending failed, for people. */
  failure: string | undefined;
  /** The message this one answers. */
  replyTo: ReplyPreview | undefined;
  /** The thread this belongs to, by its root's id. */
  threadRootId: string | undefined;
  /** When this is a thread's root: how many answers it has. */
  threadReplyCount: number;
  /** When the shown content replaced an earlier one. */
  editedAtMs: number | undefined;
  /** In the order of their first use. */
  reactions: readonly ReactionGroup[];
  /** Users other than us whose receipt stands at this item: reading-avatars. */
  readBy: readonly ReadReceipt[];
  /** Our own read marker stood here when the room was opened: the "new" line goes below. */
  isReadMarker: boolean;
  trust: EventTrust;
  /** The event mentions us. */
  isHighlight: boolean;
  /** What the user may do with it now. */
  can: { reply: boolean; react: boolean; edit: boolean; redact: boolean };
};

export type TimelineBody =
  | TextBody
  | MediaBody
  | { kind: 'location'; text: string; geoUri: string }
  | { kind: 'sticker'; text: string; source: MediaSource; info: MediaInfo }
  | { kind: 'poll'; question: string; answers: readonly { id: string; text: string }[]; maxSelections: number; isDisclosed: boolean }
  | { kind: 'redacted'; redactedBy: string; redactedByName: string; reason: string | undefined }
  | { kind: 'undecryptable'; reason: UndecryptableReason }
  | MembershipBody
  /** Any other state change: the UI words those it knows (`m.room.name`, `m.room.topic`, `m.room.encryption`, …) and hides the rest. */
  | { kind: 'state'; type: string; stateKey: string; content: JsonObject; previous: JsonObject | undefined }
  /** A message-like event of a type that we do not know; `fallback` is its plain text, when it has one. */
  | { kind: 'unknown'; type: string; fallback: string | undefined };

export type TextBody = {
  kind: 'text' | 'emote' | 'notice';
  text: string;
  /** Untrusted HTML (`org.matrix.custom.html`): sanitise before showing. Any reply fallback is already cut off. */
  html: string | undefined;
};

export type MediaBody = {
  kind: 'image' | 'video' | 'audio' | 'file';
  source: MediaSource;
  thumbnail: MediaSource | undefined;
  fileName: string;
  /** A caption, when it differs from the file name. */
  caption: string | undefined;
  captionHtml: string | undefined;
  info: MediaInfo;
  /** A voice message, with its waveform (0 to 1024 each). */
  voice: { durationMs: number; waveform: readonly number[] } | undefined;
  /** Upload of our own file, while it is under way: 0 to 1. */
  uploadProgress: number | undefined;
  /** What the user picked, to show at once while it uploads. */
  localBlob: Blob | undefined;
};

export type MediaInfo = {
  mimeType: string | undefined;
  sizeBytes: number | undefined;
  widthPx: number | undefined;
  heightPx: number | undefined;
  durationMs: number | undefined;
  blurhash: string | undefined;
};

export type MembershipBody = {
  kind: 'membership';
  userId: string;
  displayName: string;
  change: MembershipChange;
  membership: Membership;
  previousDisplayName: string | undefined;
  reason: string | undefined;
};

export type MembershipChange =
  | 'joined'
  | 'invited'
  | 'left'
  | 'kicked'
  | 'banned'
  | 'unbanned'
  | 'knocked'
  | 'invite-rejected'
  | 'invite-withdrawn'
  | 'profile-changed'
  | 'none';

/** Why an event could not be read, so that the UI can say what would help. */
export type UndecryptableReason =
  /** The key has not come (yet); it is asked for again when keys arrive. */
  | 'missing-key'
  /** Sent before this device existed or we joined, and not in the backup. */
  | 'historical'
  /** The sender chose not to share it with this device (unverified, or blocked). */
  | 'withheld'
  /** The sender's identity changed or its device is not to be trusted. */
  | 'untrusted-sender'
  | 'no-crypto'
  | 'other';

/** What the encryption says of an event: nothing to say, or a shield with the reason. */
export type EventTrust = { shield: 'none' } | { shield: 'grey' | 'red'; reason: TrustReason };

export type TrustReason =
  | 'unverified-device'
  | 'unverified-identity'
  | 'unknown-device'
  | 'authenticity-not-guaranteed'
  | 'sent-in-clear'
  | 'sender-mismatch'
  | 'verification-violation';

export type ReplyPreview = {
  eventId: string;
  /** Nothing while the answered event is not loaded; `loadEvent` fetches it. */
  sender: string | undefined;
  senderName: string | undefined;
  text: string | undefined;
};

export type ReactionGroup = {
  key: string;
  /** In order; includes us when `ownEventId` is set. */
  senders: readonly string[];
  /** Our own reaction: redact it to take it back. `undefined` while none of ours or still sending. */
  ownEventId: string | undefined;
  isOwn: boolean;
};

export type ReadReceipt = { userId: string; displayName: string; avatarUrl: string | undefined; timestampMs: number };
