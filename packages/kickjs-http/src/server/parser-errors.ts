import { randomUUID } from 'node:crypto'
import { type Server, STATUS_CODES } from 'node:http'

/** What Node's parser and its timeouts complain of, as statuses. Anything else is a 400. */
const statuses: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** Answers what is no request at all as problems are answered, and closes the connection. */
export function answerParserErrors(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return socket.destroy()
    const status = statuses[error.code ?? ''] ?? 400
    const title = STATUS_CODES[status] ?? 'Error'
    const code = title.toUpperCase().replaceAll(' ', '_')
    const requestId = randomUUID()
    const type = `urn:problem:${code.toLowerCase().replaceAll('_', '-')}`
    const detail = 'The connection carried no request that could be read'
    const body = JSON.stringify({ success: false, type, title, status, code, detail, requestId })
    socket.end(
      `HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n` +
        `X-Request-Id: ${requestId}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  })
}
