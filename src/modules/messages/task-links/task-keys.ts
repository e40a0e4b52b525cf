/** How many keys of one text are looked up; further ones stay plain text. */
const MOST_KEYS = 50

const KEY = /(?<![\p{L}\p{N}_-])[A-Z][A-Z0-9]{1,9}-[1-9]\d{0,8}(?!-?[\p{L}\p{N}_])/gu

/** What may be the key of a task in a text, `ENG-42`, each once: not as a part of a longer word. */
export function taskKeysIn(text: string): string[] {
  if (!text.includes('-')) return []
  const keys = new Set<string>()
  for (const [key] of text.matchAll(KEY)) {
    if (keys.size >= MOST_KEYS) break
    keys.add(key)
  }
  return [...keys]
}
