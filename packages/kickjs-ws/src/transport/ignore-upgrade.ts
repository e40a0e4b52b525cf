import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** What asks for another protocol (RFC 9110 §7.8, RFC 7540 §3.2.1). */
const UPGRADING = new Set(['upgrade', 'http2-settings'])

/**
 * Answers a request as if it had not asked for an upgrade, as a server may: it is read once more
 * without the asking. Node hands every upgrade over as soon as there is a listener for any.
 */
export function ignoreUpgrade(
  server: HttpServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const { method, url, httpVersion, rawHeaders } = request
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const [name = '', value = ''] = rawHeaders.slice(n, n + 2)
    if (UPGRADING.has(name.toLowerCase())) continue
    lines.push(`${name}: ${name.toLowerCase() === 'connection' ? withoutUpgrade(value) : value}`)
  }
  const plain = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  socket.unshift(Buffer.concat([plain, head]))
  server.emit('connection', socket)
}

function withoutUpgrade(connection: string): string {
  const kept = connection.split(',').filter(option => !UPGRADING.has(option.trim().toLowerCase()))
  return kept.length ? kept.join(',') : 'keep-alive'
}
