/** A message as a bot writes it: plain text, or text with HTML of the same. Bots send notices unless told otherwise, so that two bots do not answer each other for ever. */
export type BotMessage = string | { text: string; html?: string; kind?: 'text' | 'notice' | 'emote' };

/** Makes text safe to stand in HTML, in attributes too. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}
