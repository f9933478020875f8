import type { RoomSummary } from '../../matrix/rooms/room-summary.ts';

type Translate = (key: string, named?: Record<string, unknown>) => string;

/** The one line under a room's name: who types, or the last message. */
export function previewText(room: RoomSummary, t: Translate): string {
  if (room.typingUserIds.length > 0) return t('rooms.typing');
  if (room.membership === 'invite') {
    return room.inviterUserId === undefined ? t('rooms.invited') : t('rooms.invitedBy', { name: room.inviterUserId });
  }
  const message = room.lastMessage;
  if (message === undefined) return room.topic;
  const text = messageText(message, t);
  if (message.isOwn) return t('preview.you', { text });
  return room.isDirect ? text : t('preview.person', { name: message.senderName, text });
}

function messageText(message: NonNullable<RoomSummary['lastMessage']>, t: Translate): string {
  if (message.kind === 'emote') return `* ${message.text}`;
  if (message.text !== '' && message.kind !== 'redacted' && message.kind !== 'undecryptable') {
    const label = ['image', 'video', 'audio', 'file'].includes(message.kind) ? `${t(`preview.${message.kind}`)}: ` : '';
    return label + message.text;
  }
  return message.kind === 'text' || message.kind === 'notice' ? '' : t(`preview.${message.kind}`);
}
