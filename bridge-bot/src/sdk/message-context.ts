import type { IncomingMessage } from 'client/matrix/client.ts';
import { numberIn } from 'client/matrix/json.ts';
import type { Room } from 'client/matrix/rooms/room.ts';
import type { Bot, MessageContext } from './bot.ts';

const DEFAULT_STATE_POWER_LEVEL = 50;

/** The trouble that makes an encrypted message no better than forged: a homeserver could have written it. */
const FORGEABLE = new Set(['sent-in-clear', 'sender-mismatch', 'verification-violation', 'authenticity-not-guaranteed']);

/** The context of a text message; nothing for anything else, for notices (other bots), and for what may be forged. */
export function createMessageContext(bot: Bot, room: Room, { item }: IncomingMessage): MessageContext | undefined {
  const { body, eventId, trust } = item;
  if (body.kind !== 'text' || eventId === undefined) return undefined;
  if (trust.shield !== 'none' && FORGEABLE.has(trust.reason)) return undefined;
  const { roomId } = room;

  return {
    bot,
    room,
    roomId,
    eventId,
    sender: item.sender,
    senderName: item.senderName,
    text: body.text,
    rest: body.text,
    isEncrypted: room.summary.get().isEncrypted,
    trust,
    send: (message) => bot.send(roomId, message),
    reply(message) {
      const { text, html, kind = 'notice' } = typeof message === 'string' ? { text: message } : message;
      const formatted = html === undefined ? {} : { html };
      return room.whenSent(room.sendMessage({ kind, text, replyToEventId: eventId, ...formatted }));
    },
    react: (key) => bot.react(roomId, eventId, key),
    async isSenderModerator() {
      await room.loadMembers();
      const member = room.members.get().find(({ userId }) => userId === item.sender);
      const needed = numberIn(room.stateContent('m.room.power_levels'), 'state_default') ?? DEFAULT_STATE_POWER_LEVEL;
      return member !== undefined && member.membership === 'join' && member.powerLevel >= needed;
    },
  };
}
