import type { Request } from 'express'
import jwt from 'jsonwebtoken'

const secret = process.env.JWT_SECRET ?? ''

/** Who asks, as the articles find it out: with the secret as a text. */
export function asker(req: Request): string {
  const payload = jwt.verify(req.headers.authorization?.slice('Bearer '.length) ?? '', secret)
  if (typeof payload === 'string' || payload.sub === undefined) throw new Error('nobody')
  return payload.sub
}
