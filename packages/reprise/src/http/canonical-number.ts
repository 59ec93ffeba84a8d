/**
 * One spelling per number, without ever going through a double: `1.0`, `1e0` and `10e-1` are `1`, while
 * 9007199254740992 and 9007199254740993 stay apart. For a number whose digits a double keeps, the spelling is that of
 * RFC 8785 (and of `String(number)`), so that a body a framework has parsed comes out like its text.
 */

const ZERO = 0x30
/** ECMA-262 Number::toString: from here on, and for anything below 1e-6, numbers are written with an exponent. */
const POINT_MAX = 21
const POINT_MIN = -6
/** Beyond this many digits an exponent can't be added to without losing some. */
const EXPONENT_DIGITS_MAX = 15

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?)0*(\d*))?$/

/**
 * The canonical spelling of a number literal of RFC 8259 §6.
 *
 * An exponent of more than fifteen digits is left as it is written: two spellings of such a number may count as different,
 * but no two different numbers as one, since every spelling that comes out is a literal of its own value.
 *
 * @example canonicalNumber('100.50e1') // '1005'
 */
export function canonicalNumber(literal: string): string {
  const match = NUMBER.exec(literal)
  if (match === null) return literal
  const [, sign = '', whole = '', fraction = '', exponentSign = '', exponentDigits = ''] = match

  // Loops, because /0+$/ is quadratic in zeros that are not at the end.
  let digits = whole + fraction
  let start = 0
  let end = digits.length
  while (start < end && digits.charCodeAt(start) === ZERO) start++
  while (end > start && digits.charCodeAt(end - 1) === ZERO) end--
  digits = digits.slice(start, end)
  // Negative zero too: no application tells it from zero in a body.
  if (digits === '') return '0'
  if (exponentDigits.length > EXPONENT_DIGITS_MAX) return literal

  // The value is 0.DIGITS × 10^point.
  const exponent = Number(exponentDigits) * (exponentSign === '-' ? -1 : 1)
  const point = whole.length - start + exponent
  if (point > POINT_MAX || point <= POINT_MIN) {
    const power = point - 1
    const mantissa = digits.length === 1 ? digits : `${digits.charAt(0)}.${digits.slice(1)}`
    return `${sign}${mantissa}e${power < 0 ? '-' : '+'}${Math.abs(power)}`
  }
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  if (point >= digits.length) return sign + digits + '0'.repeat(point - digits.length)
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}
