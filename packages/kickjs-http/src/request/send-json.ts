import type { Request, Response } from 'express'
import { JsonText } from './json-text.js'

/** From here on a text is encoded first: it is counted and sent in one go. */
const LONG = 1000

/**
 * Answers as `res.json` does, without what that does for others: it looks settings up, parses the content type that
 * it has just written, and asks whether the client has the answer already, though the client has not said so.
 */
export function sendJson(req: Request, res: Response, data: unknown): void {
  const text: string | undefined = isPlain(req, res) ? textOf(data) : undefined
  if (text === undefined) {
    res.json(data)
    return
  }
  const body = text.length < LONG ? text : Buffer.from(text)
  res.setHeader('content-type', 'application/json; charset=utf-8')
  res.setHeader('content-length', Buffer.byteLength(body))
  res.end(body)
}

function textOf(data: unknown): string | undefined {
  return data instanceof JsonText ? data.text : JSON.stringify(data)
}

const BODILESS: ReadonlySet<number> = new Set([204, 205, 304])

/** An answer with a body, of no special type, to a request without conditions. */
function isPlain({ headers }: Request, res: Response): boolean {
  if (headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined) return false
  return !BODILESS.has(res.statusCode) && !res.hasHeader('content-type')
}
