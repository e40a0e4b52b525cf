/** How many names of one text are looked up; further ones stay plain text. */
const MOST_MENTIONS = 50

/**
 * The usernames that a text may mention: `@ann`, also after punctuation, but not inside an e-mail
 * address. What looks like punctuation may also belong to the name, so both readings are given.
 */
export function mentionedNames(text: string): string[] {
  if (!text.includes('@')) return []
  const names = new Set<string>()
  for (const [, name = ''] of text.matchAll(/(?<![\w.@-])@([a-z0-9._-]{1,33})/gi)) {
    if (names.size >= MOST_MENTIONS) break
    names.add(name.toLowerCase())
    names.add(name.toLowerCase().replace(/[._-]+$/, ''))
  }
  return [...names].filter(name => name.length >= 3 && name.length <= 32)
}
