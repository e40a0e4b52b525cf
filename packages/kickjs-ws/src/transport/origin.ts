import type { IncomingMessage } from 'node:http'

export interface CorsOptions {
  /** Origins of browsers besides the server's own, such as `https://app.example.com`; `*` for all. */
  origin: string | readonly string[]
  credentials?: boolean
}

export function allowedOrigins(cors: CorsOptions | undefined): '*' | string[] {
  const origins = [cors?.origin ?? []].flat()
  return origins.includes('*') ? '*' : origins
}

/**
 * Whether a browser on a page of another site opens the connection. CORS does not cover WebSocket, so
 * that any page could connect as its visitor. Clients that are no browsers send no `Origin`.
 */
export function isForeign({ headers }: IncomingMessage, allowed: '*' | readonly string[]): boolean {
  const { origin, host } = headers
  if (origin === undefined || allowed === '*' || allowed.includes(origin)) return false
  if (!URL.canParse(origin)) return true
  const page = new URL(origin)
  const own = `${page.protocol}//${host}`
  return !URL.canParse(own) || new URL(own).host !== page.host
}
