import { isJsonObject, type JsonObject, numberIn, objectIn, stringIn } from '../json.ts';
import { readMediaSource } from '../media/read-media-source.ts';
import type { RoomEvent } from '../room-event.ts';
import type { MemberNames } from '../rooms/member-names.ts';
import { readMembership } from '../rooms/member-names.ts';
import { contentOf, isRedacted, type StoredEvent, typeOf } from './stored-event.ts';
import type { MediaBody, MediaInfo, MembershipBody, MembershipChange, TimelineBody } from './timeline-item.ts';

const MEDIA_KINDS: { readonly [msgtype: string]: MediaBody['kind'] } = {
  'm.image': 'image',
  'm.video': 'video',
  'm.audio': 'audio',
  'm.file': 'file',
};
const TEXT_KINDS: { readonly [msgtype: string]: 'text' | 'emote' | 'notice' } = {
  'm.text': 'text',
  'm.emote': 'emote',
  'm.notice': 'notice',
};

/** What an event says, for a timeline. `replacement` is the content that an edit put in its place. */
export function readBody(stored: StoredEvent, names: MemberNames, replacement?: JsonObject): TimelineBody {
  const { event } = stored;
  if (isRedacted(stored)) return readRedacted(event, names);
  if (stored.failure !== undefined) return { kind: 'undecryptable', reason: stored.failure };
  const type = typeOf(stored);
  if (event.state_key !== undefined) return readState(event, names);
  const content = replacement ?? contentOf(stored);
  if (type === 'm.room.message') return readMessage(content);
  if (type === 'm.sticker') return readSticker(content);
  if (type === 'm.poll.start' || type === 'org.matrix.msc3381.poll.start') return readPoll(content, type);
  return { kind: 'unknown', type, fallback: stringIn(content, 'body') };
}

function readRedacted(event: RoomEvent, names: MemberNames): TimelineBody {
  const because = objectIn(event.unsigned, 'redacted_because');
  const redactedBy = stringIn(because, 'sender') ?? event.sender;
  return {
    kind: 'redacted',
    redactedBy,
    redactedByName: names(redactedBy).displayName,
    reason: stringIn(objectIn(because, 'content'), 'reason'),
  };
}

function readMessage(content: JsonObject): TimelineBody {
  const msgtype = stringIn(content, 'msgtype') ?? '';
  const body = stringIn(content, 'body') ?? '';
  const textKind = TEXT_KINDS[msgtype];
  if (textKind !== undefined) return { kind: textKind, text: withoutReplyFallback(body, content), html: readHtml(content) };
  const mediaKind = MEDIA_KINDS[msgtype];
  const source = readMediaSource(content);
  if (mediaKind !== undefined && source !== undefined) return readMedia(mediaKind, content, source, body);
  if (msgtype === 'm.location') return { kind: 'location', text: body, geoUri: stringIn(content, 'geo_uri') ?? '' };
  // Key verification in rooms, and message types of tomorrow: their plain text is what we have.
  if (msgtype === 'm.key.verification.request') return { kind: 'unknown', type: msgtype, fallback: undefined };
  return { kind: 'text', text: body, html: undefined };
}

function readMedia(kind: MediaBody['kind'], content: JsonObject, source: MediaBody['source'], body: string): MediaBody {
  const fileName = stringIn(content, 'filename') ?? body;
  const hasCaption = stringIn(content, 'filename') !== undefined && fileName !== body;
  const info = objectIn(content, 'info');
  return {
    kind,
    source,
    thumbnail: readMediaSource({ url: info?.['thumbnail_url'] ?? null, file: info?.['thumbnail_file'] ?? null }),
    fileName,
    caption: hasCaption ? body : undefined,
    captionHtml: hasCaption ? readHtml(content) : undefined,
    info: readInfo(info),
    voice: readVoice(content),
    uploadProgress: undefined,
    localBlob: undefined,
  };
}

export function readInfo(info: JsonObject | undefined): MediaInfo {
  return {
    mimeType: stringIn(info, 'mimetype'),
    sizeBytes: numberIn(info, 'size'),
    widthPx: numberIn(info, 'w'),
    heightPx: numberIn(info, 'h'),
    durationMs: numberIn(info, 'duration'),
    blurhash: stringIn(info, 'xyz.amorgan.blurhash') ?? stringIn(info, 'blurhash'),
  };
}

function readVoice(content: JsonObject): MediaBody['voice'] {
  if (objectIn(content, 'org.matrix.msc3245.voice') === undefined) return undefined;
  const audio = objectIn(content, 'org.matrix.msc1767.audio');
  const waveform = audio?.['waveform'];
  return {
    durationMs: numberIn(audio, 'duration') ?? numberIn(objectIn(content, 'info'), 'duration') ?? 0,
    waveform: Array.isArray(waveform) ? waveform.filter((sample) => typeof sample === 'number') : [],
  };
}

function readSticker(content: JsonObject): TimelineBody {
  const source = readMediaSource(content);
  const text = stringIn(content, 'body') ?? '';
  if (source === undefined) return { kind: 'unknown', type: 'm.sticker', fallback: text };
  return { kind: 'sticker', text, source, info: readInfo(objectIn(content, 'info')) };
}

function readPoll(content: JsonObject, type: string): TimelineBody {
  const poll = objectIn(content, 'm.poll') ?? objectIn(content, 'org.matrix.msc3381.poll.start');
  const answers = poll?.['answers'];
  if (poll === undefined || !Array.isArray(answers)) return { kind: 'unknown', type, fallback: stringIn(content, 'body') };
  return {
    kind: 'poll',
    question: extensibleText(objectIn(poll, 'question')),
    answers: answers
      .filter(isJsonObject)
      .map((answer) => ({ id: stringIn(answer, 'm.id') ?? stringIn(answer, 'id') ?? '', text: extensibleText(answer) })),
    maxSelections: numberIn(poll, 'max_selections') ?? 1,
    isDisclosed: (stringIn(poll, 'kind') ?? '').endsWith('.disclosed'),
  };
}

function extensibleText(content: JsonObject | undefined): string {
  const texts = content?.['m.text'];
  const first = Array.isArray(texts) ? texts[0] : undefined;
  return stringIn(first, 'body') ?? stringIn(content, 'org.matrix.msc1767.text') ?? stringIn(content, 'body') ?? '';
}

function readHtml(content: JsonObject): string | undefined {
  if (stringIn(content, 'format') !== 'org.matrix.custom.html') return undefined;
  return stringIn(content, 'formatted_body')?.replace(/^\s*<mx-reply>[\s\S]*?<\/mx-reply>/i, '');
}

/** Old clients put the answered text before the answer, each line with `> `. */
function withoutReplyFallback(body: string, content: JsonObject): string {
  if (objectIn(objectIn(content, 'm.relates_to'), 'm.in_reply_to') === undefined || !body.startsWith('> ')) return body;
  const lines = body.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('> '));
  return end === -1 ? body : lines.slice(lines[end] === '' ? end + 1 : end).join('\n');
}

function readState(event: RoomEvent, names: MemberNames): TimelineBody {
  const previous = objectIn(event.unsigned, 'prev_content');
  if (event.type === 'm.room.member') return readMember(event, previous, names);
  return { kind: 'state', type: event.type, stateKey: event.state_key ?? '', content: event.content, previous };
}

function readMember(event: RoomEvent, previous: JsonObject | undefined, names: MemberNames): MembershipBody {
  const userId = event.state_key ?? '';
  const name = stringIn(event.content, 'displayname');
  return {
    kind: 'membership',
    userId,
    displayName: name ?? names(userId).displayName,
    change: membershipChange(event, previous),
    membership: readMembership(event.content) ?? 'leave',
    previousDisplayName: stringIn(previous, 'displayname'),
    reason: stringIn(event.content, 'reason'),
  };
}

/** What happened, by the membership before and after, and by who did it. */
function membershipChange(event: RoomEvent, previous: JsonObject | undefined): MembershipChange {
  const before = readMembership(previous) ?? 'leave';
  const after = readMembership(event.content) ?? 'leave';
  const isOwnDoing = event.sender === event.state_key;
  if (after === 'join') {
    if (before !== 'join') return 'joined';
    const changed = ['displayname', 'avatar_url'].some((field) => stringIn(event.content, field) !== stringIn(previous, field));
    return changed ? 'profile-changed' : 'none';
  }
  if (after === 'invite') return 'invited';
  if (after === 'knock') return 'knocked';
  if (after === 'ban') return 'banned';
  if (before === 'ban') return 'unbanned';
  if (before === 'invite') return isOwnDoing ? 'invite-rejected' : 'invite-withdrawn';
  return isOwnDoing ? 'left' : 'kicked';
}
