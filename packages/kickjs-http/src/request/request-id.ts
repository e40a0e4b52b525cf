import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { NextFunction, Request, Response } from 'express'

const header = 'x-request-id'
const acceptable = /^[A-Za-z0-9._-]{1,128}$/

/** Keeps the id that the caller gave the request, where it is safe to log and echo, or makes one. */
export function assignRequestId(req: Request, res: Response, next: NextFunction): void {
  const given = req.headers[header]
  const id = typeof given === 'string' && acceptable.test(given) ? given : randomUUID()
  req.headers[header] = id
  res.setHeader(header, id)
  next()
}

export function requestIdOf(req: IncomingMessage): string {
  return String(req.headers[header])
}
