import { z } from 'zod'
import { queryInteger, seq, streamQuery } from '../fields.contract.js'

/** What changed since a sequence number: rows in the order of their latest change, or "load afresh". */
export const changesOf = <Row extends z.ZodType>(row: Row) =>
  z.union([
    z.object({ lastSeq: seq, changes: z.array(row) }),
    z.object({ lastSeq: seq, reset: z.literal(true) }),
  ])
export type Changes<Row> = { lastSeq: number; changes: Row[] } | { lastSeq: number; reset: true }

/** A place in a sequence, as a client gives it. */
export const resumePoint = queryInteger(0, Number.MAX_SAFE_INTEGER)

export const changesQuery = z.strictObject({ since: resumePoint })

/** What a stream takes that can be resumed. */
export const resumeQuery = streamQuery.extend({ since: resumePoint.optional() })
