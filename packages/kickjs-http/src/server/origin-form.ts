import type { IncomingMessage } from 'node:http'

/**
 * A request line may name its target in full (`GET http://host/path`). Express routes such a one, but
 * answers one that it cannot parse by itself and in HTML; as `*` it becomes our 404.
 */
export function toOriginForm(req: IncomingMessage): void {
  const { url = '*' } = req
  if (url.startsWith('/')) return
  const { pathname, search } = URL.canParse(url) ? new URL(url) : { pathname: '*', search: '' }
  req.url = pathname + search
}
