/** The URL when it is a web or mail address; nothing for `javascript:` and whatever else a stranger may put there. */
export function safeWebUrl(url: string): string | undefined {
  try {
    return ['http:', 'https:', 'mailto:'].includes(new URL(url).protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}
