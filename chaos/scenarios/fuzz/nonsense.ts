import type { Random } from '../../lab/random.js'

/** Real things among the nonsense, so that it gets further than the door. */
export interface Known {
  tokens: string[]
  ids: Record<string, string>
}

const HARD_TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\u202e\u200b',
  '💥'.repeat(50),
  '%00',
  '../../../etc/passwd',
  "'; drop table messages; --",
  '{{7*7}}',
  'null',
  '-1',
  '1e309',
  '__proto__',
  'constructor',
  '2026-02-30T25:61:61Z',
  '0001-01-01T00:00:00.000Z',
  '+275760-09-13T00:00:00.000Z',
]
const HARD_NUMBERS = [0, -0, -1, 0.1, 1e21, 1e308, 2 ** 31, 2 ** 53, Number.MAX_SAFE_INTEGER, -(2 ** 63)]
const FIELDS = [
  'channelId messageId content id parentId since seq token emoji projectId workspaceId userId email password',
  'firstName lastName name type role title status priority assigneeIds before after description dueDate',
  'refreshToken path __proto__ constructor toJSON length',
].flatMap(line => line.split(' '))

/** A value that nobody would send on purpose. */
export function value(random: Random, known: Known, depth = 0): unknown {
  const kind = random.below(depth > 4 ? 7 : 10)
  if (kind === 0) return random.pick([null, true, false])
  if (kind === 1) return random.pick(HARD_NUMBERS)
  if (kind === 2) return random.pick(HARD_TEXTS)
  if (kind === 3) return random.bytes(random.below(60)).toString('latin1')
  if (kind === 4) return random.pick(Object.values(known.ids))
  if (kind === 5) return random.uuid()
  if (kind === 6) return random.chance(0.02) ? 'x'.repeat(100_000) : 'hello'
  if (kind === 7) return Array.from({ length: random.below(6) }, () => value(random, known, depth + 1))
  if (kind === 8) return record(random, known, depth + 1)
  return random.chance(0.05) ? nested(2_000) : record(random, known, depth + 1)
}

/** An object with fields that mean something, each perhaps with a value that fits. */
export function record(random: Random, known: Known, depth = 0): Record<string, unknown> {
  const fields = Array.from({ length: random.below(7) }, () => random.pick(FIELDS))
  // Also an own property of this name, as a parser of JSON would make it.
  return Object.fromEntries(
    fields.map(field => {
      const fits = known.ids[field] !== undefined && random.chance(0.7)
      return [field, fits ? known.ids[field] : value(random, known, depth + 1)]
    }),
  )
}

/** A text that was right before some of its bytes were changed, taken out or repeated. */
export function damaged(random: Random, text: string): Buffer {
  const bytes = Buffer.from(text)
  for (let n = random.below(6); n > 0 && bytes.length > 0; n--)
    bytes[random.below(bytes.length)] = random.below(256)
  const cut = random.chance(0.3) ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes
  return random.chance(0.1) ? Buffer.concat([cut, cut]) : Buffer.from(cut)
}

export function token(random: Random, { tokens }: Known): string {
  const lot = random.next()
  if (lot < 0.8) return random.pick(tokens)
  if (lot < 0.9) return damaged(random, random.pick(tokens)).toString('latin1')
  return random.pick(HARD_TEXTS)
}

function nested(depth: number): unknown {
  let inner: unknown = 1
  for (let n = 0; n < depth; n++) inner = [inner]
  return inner
}
