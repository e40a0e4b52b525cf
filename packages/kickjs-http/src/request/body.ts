import { HttpException, type Schema } from '@forinda/kickjs-core'
import type { Request, RequestHandler, Response } from 'express'

export const jsonTypes = ['json', '+json']

/**
 * The request's JSON body, or undefined where it has none. Other types of content are left unread
 * for the handler, unless the route takes a body of its own: then they are refused with a 415.
 */
export async function readBody(
  req: Request,
  res: Response,
  parse: RequestHandler,
  schema?: Schema,
): Promise<unknown> {
  if (req.body !== undefined || !carriesBody(req)) return req.body
  if (schema && !req.is(jsonTypes)) {
    throw HttpException.unsupportedMediaType('Send the body as application/json')
  }
  await new Promise<void>((resolve, reject) => {
    parse(req, res, (error?: unknown) => (error ? reject(error) : resolve()))
  })
  return req.body
}

function carriesBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
