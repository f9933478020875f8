/** What this browser is called in the list of devices, such as "BlinkChat in Firefox on Linux". */
export function deviceName(userAgent: string): string {
  const browser = [
    ['Firefox/', 'Firefox'],
    ['Edg/', 'Edge'],
    ['OPR/', 'Opera'],
    ['Chrome/', 'Chrome'],
    ['Safari/', 'Safari'],
  ].find(([mark]) => userAgent.includes(mark ?? ''))?.[1];
  const system = [
    ['Android', 'Android'],
    ['iPhone', 'iPhone'],
    ['iPad', 'iPad'],
    ['Windows', 'Windows'],
    ['Mac OS', 'macOS'],
    ['Linux', 'Linux'],
  ].find(([mark]) => userAgent.includes(mark ?? ''))?.[1];
  return ['BlinkChat', browser === undefined ? undefined : `in ${browser}`, system === undefined ? undefined : `on ${system}`]
    .filter((part) => part !== undefined)
    .join(' ');
}
