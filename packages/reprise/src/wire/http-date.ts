/** HTTP-date (RFC 9110 §5.6.7): written in the one preferred form, read in all three. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const IMF_FIXDATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/
const RFC850 = /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/
const ASCTIME = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/

/**
 * A time as an IMF-fixdate, to the second below.
 *
 * Throws `RangeError` for a time outside the years 0 to 9999, which the form cannot say.
 *
 * @example printHttpDate(784111777000) // 'Sun, 06 Nov 1994 08:49:37 GMT'
 */
export function printHttpDate(atMs: number): string {
  const date = new Date(atMs)
  const year = date.getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) throw new RangeError(`No HTTP-date can say ${atMs} ms: its year has four digits.`)
  return date.toUTCString()
}

/**
 * Milliseconds since 1970 of an HTTP-date, or `undefined` where the text is none. `nowMs` settles the century of a
 * two-digit year. Case and spaces count; the name of the weekday is not compared with the date.
 *
 * @example parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT', Date.now()) // 784111777000
 */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  let match = IMF_FIXDATE.exec(text)
  if (match !== null) return utc(match[3], match[2], match[1], match[4], match[5], match[6])

  match = RFC850.exec(text)
  if (match !== null) {
    // "Recipients of a timestamp value in rfc850-date format, which uses a two-digit year, MUST interpret a timestamp
    // that appears to be more than 50 years in the future as representing the most recent year in the past that had
    // the same last two digits."
    const thisYear = new Date(nowMs).getUTCFullYear()
    let year = thisYear - (thisYear % 100) + Number(match[3])
    if (year > thisYear + 50) year -= 100
    return utc(String(year).padStart(4, '0'), match[2], match[1], match[4], match[5], match[6])
  }

  match = ASCTIME.exec(text)
  if (match !== null) return utc(match[6], match[1], match[2], match[3], match[4], match[5])
  return undefined
}

type Digits = string | undefined

function utc(year: Digits, month: Digits, day: Digits, hour: Digits, minute: Digits, second: Digits) {
  const monthIndex = MONTHS.indexOf(month ?? '')
  const [d, h, m, s] = [Number(day), Number(hour), Number(minute), Number(second)]
  // A leap second (60) is allowed by the grammar and becomes the next minute's first.
  if (monthIndex < 0 || h > 23 || m > 59 || s > 60) return undefined
  // Date.UTC would read the years 0 to 99 as 1900 to 1999.
  const date = new Date(0)
  date.setUTCFullYear(Number(year), monthIndex, d)
  if (date.getUTCDate() !== d) return undefined
  return date.setUTCHours(h, m, s, 0)
}
