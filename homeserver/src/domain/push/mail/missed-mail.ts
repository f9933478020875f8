import type { Mail } from '../../../platform/mailer.ts';
import { escapeHtml } from '../../accounts/account-mails.ts';

/** What somebody missed in one room: its newest messages, oldest first, and how many there are beside these. */
export type MissedRoom = { roomId: string; name: string; messages: readonly MissedMessage[]; others: number };
export type MissedMessage = { sender: string; text: string };

type MissedMail = { to: string; rooms: readonly MissedRoom[]; serverName: string; publicUrl: string; unsubscribeUrl: string };

/** The mail about what somebody missed, in plain text and in HTML. */
export function missedMail({ to, rooms, serverName, publicUrl, unsubscribeUrl }: MissedMail): Mail {
  const subject = subjectOf(rooms, serverName);
  const farewell = `You get this mail because you asked ${serverName} to write to you about what you have not read.`;
  const linkOf = ({ roomId }: MissedRoom) => `${publicUrl.replace(/\/$/, '')}/#/room/${encodeURIComponent(roomId)}`;
  const text = [
    subject,
    ...rooms.map((room) =>
      [
        room.name,
        ...room.messages.map(({ sender, text: said }) => `  ${sender}: ${said}`),
        ...othersOf(room, '  '),
        `  ${linkOf(room)}`,
      ].join('\n'),
    ),
    `${farewell}\nTo end that, open ${unsubscribeUrl}`,
  ];
  const html = [
    `<p>${escapeHtml(subject)}</p>`,
    ...rooms.map((room) =>
      [
        `<h2 style="font-size:1.1em;margin:1.5em 0 .5em"><a href="${escapeHtml(linkOf(room))}">${escapeHtml(room.name)}</a></h2>`,
        ...room.messages.map(
          ({ sender, text: said }) => `<p style="margin:.25em 0"><strong>${escapeHtml(sender)}</strong>: ${escapeHtml(said)}</p>`,
        ),
        ...othersOf(room, '').map((line) => `<p style="margin:.25em 0">${line}</p>`),
      ].join('\n'),
    ),
    `<p style="margin-top:2em;font-size:.85em">${escapeHtml(farewell)} <a href="${escapeHtml(unsubscribeUrl)}">End that</a>.</p>`,
  ];
  return { to, subject, text: `${text.join('\n\n')}\n`, html: html.join('\n'), unsubscribeUrl };
}

function subjectOf(rooms: readonly MissedRoom[], serverName: string): string {
  const count = rooms.reduce((sum, room) => sum + room.messages.length + room.others, 0);
  const what = count === 1 ? 'a message' : `${count} messages`;
  const [only] = rooms;
  const where = rooms.length === 1 && only !== undefined ? `in ${only.name}` : `in ${rooms.length} rooms`;
  return `You missed ${what} ${where} (${serverName})`;
}

function othersOf({ others, messages }: MissedRoom, indent: string): string[] {
  if (others === 0) return [];
  return [`${indent}${messages.length === 0 ? '' : 'and '}${others} more`];
}
