import type { JsonObject } from '../json.ts';
import type { OutgoingMedia, OutgoingMessage } from './outgoing-message.ts';

const MSGTYPES = { text: 'm.text', emote: 'm.emote', notice: 'm.notice' } as const;
const MEDIA_MSGTYPES = { image: 'm.image', video: 'm.video', audio: 'm.audio', file: 'm.file' } as const;

/** The content of a message. https://spec.matrix.org/latest/client-server-api/#mroommessage-msgtypes */
export function messageContent(message: OutgoingMessage): JsonObject {
  return { ...textContent(message), ...relation(message) };
}

/** The content that replaces the text of an earlier message. https://spec.matrix.org/latest/client-server-api/#event-replacements */
export function editContent(eventId: string, message: OutgoingMessage): JsonObject {
  const replacement = textContent(message);
  const fallback: JsonObject = { ...replacement, body: `* ${message.text}` };
  if (message.html !== undefined) fallback['formatted_body'] = `* ${message.html}`;
  return { ...fallback, 'm.new_content': replacement, 'm.relates_to': { rel_type: 'm.replace', event_id: eventId } };
}

/** The content of a file's message, but for where the file lies. */
export function mediaContent(media: OutgoingMedia): JsonObject {
  const info: JsonObject = { mimetype: media.mimeType, size: media.blob.size };
  if (media.widthPx !== undefined) info['w'] = media.widthPx;
  if (media.heightPx !== undefined) info['h'] = media.heightPx;
  if (media.durationMs !== undefined) info['duration'] = media.durationMs;
  if (media.blurhash !== undefined) info['xyz.amorgan.blurhash'] = media.blurhash;
  if (media.thumbnail !== undefined) info['thumbnail_info'] = thumbnailInfo(media.thumbnail);

  const content: JsonObject = {
    msgtype: MEDIA_MSGTYPES[media.kind],
    body: media.caption ?? media.fileName,
    filename: media.fileName,
    info,
    'm.mentions': {},
    ...relation(media),
  };
  if (media.captionHtml !== undefined) Object.assign(content, { format: 'org.matrix.custom.html', formatted_body: media.captionHtml });
  if (media.voice !== undefined) {
    content['org.matrix.msc3245.voice'] = {};
    content['org.matrix.msc1767.audio'] = { duration: media.voice.durationMs, waveform: [...media.voice.waveform] };
  }
  return content;
}

function textContent({ kind, text, html, mentionedUserIds, mentionsRoom }: OutgoingMessage): JsonObject {
  const mentions: JsonObject = {};
  if (mentionedUserIds !== undefined && mentionedUserIds.length > 0) mentions['user_ids'] = [...mentionedUserIds];
  if (mentionsRoom === true) mentions['room'] = true;
  const formatted = html === undefined ? {} : { format: 'org.matrix.custom.html', formatted_body: html };
  return { msgtype: MSGTYPES[kind], body: text, 'm.mentions': mentions, ...formatted };
}

function relation({ replyToEventId, threadRootId }: { replyToEventId?: string; threadRootId?: string }): JsonObject {
  const reply = replyToEventId === undefined ? {} : { 'm.in_reply_to': { event_id: replyToEventId } };
  if (threadRootId !== undefined) return { 'm.relates_to': { rel_type: 'm.thread', event_id: threadRootId, ...reply } };
  return replyToEventId === undefined ? {} : { 'm.relates_to': reply };
}

function thumbnailInfo({ blob, mimeType, widthPx, heightPx }: NonNullable<OutgoingMedia['thumbnail']>): JsonObject {
  return { mimetype: mimeType, size: blob.size, w: widthPx, h: heightPx };
}
