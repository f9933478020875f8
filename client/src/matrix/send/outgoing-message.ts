/** A message as the composer hands it over. */
export type OutgoingMessage = {
  kind: 'text' | 'emote' | 'notice';
  text: string;
  /** HTML of the same, when it has any formatting. */
  html?: string;
  /** The message this answers. */
  replyToEventId?: string;
  /** Sends into a thread. */
  threadRootId?: string;
  /** Users to notify. */
  mentionedUserIds?: readonly string[];
  mentionsRoom?: boolean;
};

/** A file to send; images are compressed and measured by the UI beforehand. */
export type OutgoingMedia = {
  kind: 'image' | 'video' | 'audio' | 'file';
  blob: Blob;
  fileName: string;
  mimeType: string;
  caption?: string;
  captionHtml?: string;
  widthPx?: number;
  heightPx?: number;
  durationMs?: number;
  blurhash?: string;
  thumbnail?: { blob: Blob; mimeType: string; widthPx: number; heightPx: number };
  /** A voice message, with its waveform (0 to 1024 each). */
  voice?: { durationMs: number; waveform: readonly number[] };
  replyToEventId?: string;
  threadRootId?: string;
};
