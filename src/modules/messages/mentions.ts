/** How many people one message can mention; further names stay plain text. */
const MOST_MENTIONS = 50

/** The usernames that a text mentions: `@ann`, also after punctuation, but not the middle of an e-mail address. */
export function mentionedNames(text: string): string[] {
  if (!text.includes('@')) return []
  const names = [...text.matchAll(/(?<![\w.@-])@([a-z0-9][a-z0-9._-]*)/gi)].map(([, name = '']) =>
    name.toLowerCase().replace(/[._-]+$/, ''),
  )
  return [...new Set(names)].slice(0, MOST_MENTIONS)
}
