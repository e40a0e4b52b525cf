import type { Response } from 'express'

/** All that a client gets to see of an answer. */
export interface Answer {
  status: number
  headers: Record<string, string | string[]>
  body: string
}

const KEPT_HEADERS = ['content-type', 'location', 'etag', 'set-cookie']

/**
 * Calls `settle` with the answer, whoever gives it, and lets it go out when that is done: a client
 * that has its answer can rely on what was settled. `settle` must not reject. Answers in one piece only.
 */
export function holdAnswer(res: Response, settle: (answer: Answer) => Promise<void>): void {
  const { end } = res
  let held = false
  res.end = (...args: unknown[]) => {
    if (held) return res
    held = true
    const answer = { status: res.statusCode, headers: keptHeaders(res), body: textOf(args[0]) }
    // Sends nothing yet, but marks the response as answered for all who ask before they answer too.
    res.writeHead(res.statusCode)
    void settle(answer).then(() => Reflect.apply(end, res, args))
    return res
  }
}

/** Gives an answer once more. */
export function giveAnswer(res: Response, { status, headers, body }: Answer): void {
  res.status(status).set(headers).end(body)
}

function keptHeaders(res: Response): Answer['headers'] {
  const headers: Answer['headers'] = {}
  for (const name of KEPT_HEADERS) {
    const value = res.getHeader(name)
    if (value !== undefined) headers[name] = Array.isArray(value) ? value : String(value)
  }
  return headers
}

function textOf(chunk: unknown): string {
  if (typeof chunk === 'string') return chunk
  return chunk instanceof Uint8Array ? Buffer.from(chunk).toString('utf8') : ''
}
