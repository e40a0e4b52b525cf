import type { IncomingHttpHeaders } from 'node:http'
import { encodeEvent } from '@forinda/kickjs-http'
import { invalid } from '../errors.js'
import { type Changes, resumePoint } from './changes.contract.js'

interface Opening {
  headers: IncomingHttpHeaders
  query: { since?: number | undefined }
}

/** What the reader knows already. A browser that reconnects tells it by a header, and the URL is as old as its first try. */
export function sinceOf({ headers, query }: Opening): number | undefined {
  const lastEventId = headers['last-event-id']
  if (lastEventId === undefined) return query.since
  const seq = resumePoint.safeParse(lastEventId)
  if (!seq.success) throw invalid('headers.last-event-id', 'must be the id of an event of this stream')
  return seq.data
}

/**
 * What a reader is told at first: what he missed, then `ready`; or `reset`. Each event has an id, so that
 * he is never sent again what he was told before.
 */
export function missedFrames<Row>(told: Changes<Row>, frameOf: (row: Row) => Buffer): Buffer[] {
  const { lastSeq } = told
  const event = (name: string) => encodeEvent({ lastSeq }, name, String(lastSeq))
  return 'reset' in told ? [event('reset')] : [...told.changes.map(frameOf), event('ready')]
}
