import type { Marked } from './search.contract.js'

/** How much of a long text is shown, and how much of it before the first highlight. */
const LENGTH = 240
const LEAD = 60

/** A text with the places where a pattern stands in it. */
export function mark(text: string, pattern: RegExp): Marked {
  const highlights = [...text.matchAll(pattern)].map(({ 0: found, index }) => ({
    start: index,
    end: index + found.length,
  }))
  return { text, highlights }
}

/**
 * The part of a text around the first place where a pattern stands in it, or its beginning. Made here, since
 * `ts_headline` drops what looks like a tag (`Array<string>`), has no limit where there are no spaces, and
 * takes a page of long texts apart in the database once more.
 */
export function excerpt(text: string, pattern: RegExp): Marked {
  const first = text.search(pattern)
  const start = first <= LEAD ? 0 : wordFrom(text, first - LEAD, first)
  const end = start + LENGTH >= text.length ? text.length : wordUntil(text, start + LENGTH)
  const part = `${start > 0 ? '…' : ''}${text.slice(start, end)}${end < text.length ? '…' : ''}`
  return mark(part, pattern)
}

/** Where the first word from a place on begins, if one does before the limit; never within a character. */
function wordFrom(text: string, place: number, limit: number): number {
  const space = text.slice(place, limit).search(/\s/)
  return space < 0 ? wholeCharacter(text, place) : place + space + 1
}

/** Where the last word before a place ends, if one does in its last part; never within a character. */
function wordUntil(text: string, place: number): number {
  const space = text.slice(place - LEAD, place + 1).search(/\s\S*$/)
  return space < 0 ? wholeCharacter(text, place) : place - LEAD + space
}

function wholeCharacter(text: string, place: number): number {
  return /[\uDC00-\uDFFF]/.test(text.charAt(place)) ? place - 1 : place
}
