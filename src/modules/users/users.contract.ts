import { z } from 'zod'
import { instant, line, noQuery, person, prose, uuid } from '../../fields.contract.js'

/** The handle in `@username`. It ends in nothing that could be a sentence's full stop or dash. */
export const username = z
  .string()
  .trim()
  .toLowerCase()
  .min(3)
  .max(32)
  .regex(
    /^[a-z0-9_][a-z0-9._-]*[a-z0-9_]$/,
    'must be letters a–z, digits, dots, dashes or underscores, with no dot or dash at either end',
  )

export const personName = line(100)

/** An IANA zone such as `Europe/Berlin`: a name, because Postgres reads the sign of an offset the other way round. */
export const timeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'must be an IANA time zone such as Europe/Berlin')

/** A user as he sees himself. */
export const self = person.extend({ email: z.string(), timeZone: z.string(), createdAt: instant })
export type Self = z.infer<typeof self>

export const profile = z.strictObject({
  firstName: personName.optional(),
  lastName: personName.optional(),
  username: username.optional(),
  avatarUrl: prose(2048)
    .pipe(z.url({ protocol: /^https$/, error: 'must be an https URL' }))
    .nullable()
    .optional(),
  timeZone: timeZone.optional(),
})
export type Profile = z.infer<typeof profile>

export const getMe = { name: 'getMe', query: noQuery, response: self }
export const updateMe = { name: 'updateMe', query: noQuery, body: profile, response: self }
export const getUser = {
  name: 'getUser',
  params: z.object({ userId: uuid }),
  query: noQuery,
  response: person,
}

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}
