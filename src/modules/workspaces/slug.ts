import { randomInt } from 'node:crypto'

const LONGEST = 40
const ATTEMPTS = 8

/**
 * Slugs for a workspace of this name, the most telling first: `acme`, `acme-7f3k2`, …
 * Always words of a–z and 0–9 joined by hyphens.
 */
export function* slugsFor(name: string): Generator<string> {
  const words = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .match(/[a-z0-9]+/g)
  const slug = words?.join('-').slice(0, LONGEST).replace(/-$/, '') ?? 'workspace'
  if (slug.length > 1) yield slug
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) yield `${slug}-${suffix()}`
}

function suffix(): string {
  return randomInt(36 ** 4, 36 ** 5).toString(36)
}
