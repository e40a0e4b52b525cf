const MOST_CHARACTERS = 255

/** An ending that tells what a file is survives the cutting of a long name. */
const ENDING = /\.[^.\s]{1,20}$/u

/** What is not seen, or turns the direction of what follows, so that `gpj.exe` reads as `exe.jpg`. */
const UNSEEN = /[\p{Cc}\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069\ufeff]/gu

/**
 * The name of a file as its sender gave it, without the path to it and without characters that deceive.
 * Undefined where nothing is left of it.
 */
export function cleanFileName(given: string): string | undefined {
  const name = given
    .toWellFormed()
    .replace(UNSEEN, '')
    .replace(/^.*[/\\]/s, '')
    .normalize('NFC')
    .trim()
  return /^\.*$/.test(name) ? undefined : cut(name)
}

function cut(name: string): string {
  const characters = [...name]
  if (characters.length <= MOST_CHARACTERS) return name
  const ending = [...(ENDING.exec(name)?.[0] ?? '')]
  return characters.slice(0, MOST_CHARACTERS - ending.length).join('') + ending.join('')
}
