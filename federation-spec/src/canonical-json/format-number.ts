/** Where Python's shortest form of a float goes over to an exponent. */
const FIRST_EXPONENT_ABOVE = 16;
const LAST_EXPONENT_BELOW = -4;

/**
 * A number as canonical JSON writes it: integers in full, never with an exponent, `-0` as `0`.
 *
 * Floats are not canonical, but events of room versions 1 to 5 hold them: they are written as the servers of that time wrote them.
 * Throws a `TypeError` on NaN and infinities.
 */
export function formatNumber(value: number): string {
  if (Number.isSafeInteger(value)) return value === 0 ? '0' : String(value);
  if (Number.isInteger(value)) return BigInt(value).toString();
  return formatFloat(value);
}

/** The shortest decimal that reads back as this float, with a point or an exponent: `1.0`, `0.5`, `1e+16`, `1e-05`. */
export function formatFloat(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError('Canonical JSON cannot hold NaN or an infinity.');
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '0', exponentText = '0'] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  if (exponent >= FIRST_EXPONENT_ABOVE || exponent < LAST_EXPONENT_BELOW) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${sign}${digits.charAt(0)}${fraction}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}
