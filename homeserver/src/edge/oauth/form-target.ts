/** The source by which a content security policy lets a form end up at a client's address. */
export function formTarget(address: string): string {
  const url = new URL(address);
  const isHost = (url.protocol === 'https:' || url.protocol === 'http:') && !url.hostname.startsWith('[');
  return isHost ? url.origin : url.protocol;
}
