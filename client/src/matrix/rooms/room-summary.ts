import type { Delivery } from '../timeline/delivery.ts';
import type { Membership } from './membership.ts';

/** What a room list shows of a room. A new object at every change. */
export type RoomSummary = {
  roomId: string;
  /** The name to show: the room's own, its alias, or worked out of its heroes (empty rooms: `''`, the UI words them). */
  name: string;
  topic: string;
  /** `mxc:` of the room's avatar, or of the other person's in a direct chat. */
  avatarUrl: string | undefined;
  membership: Membership;
  /** In `m.direct`: a chat with a person. */
  isDirect: boolean;
  /** The user at the other end of a direct chat. */
  directUserId: string | undefined;
  isEncrypted: boolean;
  isSpace: boolean;
  isFavourite: boolean;
  isLowPriority: boolean;
  /** All push is off for this room by the user's own rule. */
  isMuted: boolean;
  /** Marked unread by hand. */
  isMarkedUnread: boolean;
  unreadCount: number;
  highlightCount: number;
  joinedMemberCount: number;
  invitedMemberCount: number;
  /** Some members besides us, for a composed avatar or name. */
  heroes: readonly RoomHero[];
  /** Who types now, without us. */
  typingUserIds: readonly string[];
  /** The newest message worth a line in the list. */
  lastMessage: RoomPreview | undefined;
  /** When something last happened that should bring the room up, in milliseconds since 1970. */
  lastActivityMs: number;
  /** Who invited us, while `membership` is `invite`. */
  inviterUserId: string | undefined;
  canonicalAlias: string | undefined;
  /** The room that took this one's place. */
  successorRoomId: string | undefined;
};

export type RoomHero = { userId: string; displayName: string; avatarUrl: string | undefined };

/** The last message in one line: the UI words it by its kind. */
export type RoomPreview = {
  eventId: string | undefined;
  sender: string;
  senderName: string;
  isOwn: boolean;
  timestampMs: number;
  kind:
    | 'text'
    | 'emote'
    | 'notice'
    | 'image'
    | 'video'
    | 'audio'
    | 'file'
    | 'location'
    | 'sticker'
    | 'poll'
    | 'undecryptable'
    | 'redacted'
    | 'other';
  /** Plain text: the body or caption; empty for undecryptable and redacted ones. */
  text: string;
  /** How far an own message got. */
  delivery: Delivery | undefined;
};
