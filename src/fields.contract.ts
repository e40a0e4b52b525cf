import { z } from 'zod'

z.config({ customError: issue => (isMissing(issue) ? 'is required' : undefined) })

/** For what is given but wrong: of what is missing it is said that it is required. */
const unlessMissing = (message: string) => ({
  error: (issue: { input: unknown }) => (isMissing(issue) ? undefined : message),
})

function isMissing({ input }: { input?: unknown }): boolean {
  return input === undefined
}

/** Postgres cannot store a NUL, and half of a surrogate pair has no UTF-8. */
const storable = (text: string) => !text.includes('\0') && text.isWellFormed()

const notStorable = 'must not hold NUL characters or broken Unicode'

/** An id, in lower case as the database writes it, so that two spellings of one id are equal. */
export const uuid = z.uuid(unlessMissing('must be a UUID')).toLowerCase()

/** One line of text: trimmed, not empty. */
export const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine(storable, notStorable)
    .refine(text => !/[\r\n]/.test(text), 'must be a single line')

/** Free text: kept as written, possibly empty. */
export const prose = (max: number) => z.string().max(max).refine(storable, notStorable)

/** Free text that says something. */
export const content = (max: number) => prose(max).refine(text => text.trim() !== '', 'must not be blank')

/** An e-mail address, in lower case: the same mailbox twice is the same person. */
export const email = z.string().trim().toLowerCase().pipe(z.email().max(254))

/** ISO 8601 in UTC to the millisecond, as every time in an answer. The years are 1 to 9999: Postgres has no year 0. */
export const instant = z.iso
  .datetime({ precision: 3 })
  .refine(text => !text.startsWith('0000'), 'is out of range')

/** A time from a client: ISO 8601 with any offset, or a date alone (midnight UTC); kept in UTC. */
export const instantInput = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], unlessMissing('must be an ISO 8601 date or time'))
  .transform(text => new Date(text).toISOString())
  .pipe(instant)

/** A sequence number as JSON carries it. */
export const seq = z.int().min(0)

/** A whole number in a query string. */
export const queryInteger = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`
  return z
    .string(unlessMissing(message))
    .regex(/^\d{1,16}$/, message)
    .transform(Number)
    .pipe(z.int(message).min(min, message).max(max, message))
}

/** `a,b,c` in a query string: each one by the schema given. */
export const queryList = <T extends z.ZodType<unknown, string>>(item: T) =>
  z
    .string(unlessMissing('must be given once, its values with commas between them'))
    .transform(text => text.split(','))
    .pipe(z.array(item).min(1).max(50))

/** Somebody as others see him. */
export const person = z.object({
  id: uuid,
  username: z.string(),
  firstName: z.string(),
  lastName: z.string(),
  avatarUrl: z.string().nullable(),
})

/** What a stream takes beside its own parameters: EventSource cannot set headers. */
export const streamQuery = z.strictObject({ ticket: z.string().min(1).max(256).optional() })

export const noQuery = z.strictObject({})
