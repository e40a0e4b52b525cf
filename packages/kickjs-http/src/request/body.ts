import { isUtf8 } from 'node:buffer'
import { HttpException, type RouteSchemas } from '@forinda/kickjs-core'
import express, { type Request, type RequestHandler, type Response } from 'express'

const jsonTypes = ['json', '+json']

/** Reads JSON bodies of up to `limit` bytes. */
export interface JsonReader {
  parse: RequestHandler
  limit: number
}

export function jsonReader(limit: number): JsonReader {
  const verify = (req: object, _res: object, body: Buffer) => {
    if (!isUtf8(body)) broken.add(req)
  }
  return { limit, parse: express.json({ limit, type: jsonTypes, verify }) }
}

/** Requests whose bytes are no UTF-8: the parser puts a sign of its own in their place, silently. */
const broken = new WeakSet<object>()

/**
 * The request's JSON body, or undefined where it has none. Other types of content are left unread
 * for the handler, unless the route takes a body of its own, JSON or what it `consumes`: then they are
 * refused with a 415.
 */
export async function readBody(
  req: Request,
  res: Response,
  { parse, limit }: JsonReader,
  { body: schema, consumes }: RouteSchemas,
): Promise<unknown> {
  if (consumes !== undefined) {
    if (req.is(consumes)) return undefined
    throw HttpException.unsupportedMediaType(`Send the body as ${consumes}`)
  }
  if (req.body !== undefined || !carriesBody(req)) return req.body
  if (schema && !req.is(jsonTypes)) {
    throw HttpException.unsupportedMediaType('Send the body as application/json')
  }
  // Before any of it is read: the parser would first wait for all of it.
  if (Number(req.headers['content-length'] ?? 0) > limit) {
    res.set('Connection', 'close')
    throw HttpException.payloadTooLarge(`A body has at most ${limit} bytes`)
  }
  await new Promise<void>((resolve, reject) => {
    parse(req, res, (error?: unknown) => (error ? reject(error) : resolve()))
  })
  if (broken.has(req))
    throw HttpException.badRequest('The body is not valid UTF-8', { code: 'MALFORMED_JSON' })
  return req.body
}

function carriesBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
