import { connect } from 'node:net'
import type { Random } from '../../lab/random.js'

/** Longer than any answer takes. */
const SILENCE_MS = 300

/** What came back over a connection: the statuses of all answers in it. */
export interface Answered {
  statuses: number[]
  text: string
}

/** Writes pieces to a port, one after the other, and reads until it is closed or silent. */
export function exchange(
  port: number,
  pieces: readonly (Buffer | string)[],
  random: Random,
): Promise<Answered> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const isAbrupt = random.chance(0.2)
    const done = () => {
      if (isAbrupt) socket.resetAndDestroy()
      else socket.destroy()
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
      resolve({ statuses, text })
    }
    socket.setTimeout(isAbrupt ? 20 : SILENCE_MS, done)
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk
    })
    socket.on('error', () => {}).once('close', done)
    socket.once('connect', () => {
      for (const piece of pieces) socket.write(piece)
    })
  })
}

/** One WebSocket frame; what a client sends is masked, here perhaps not. */
export function frame(
  payload: Buffer,
  { opcode = 1, masked = true, fin = true, length = payload.length } = {},
): Buffer {
  const head = [(fin ? 0x80 : 0) | opcode, masked ? 0x80 : 0]
  const size = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8)
  if (size.length === 0) head[1] = (head[1] ?? 0) | length
  if (size.length === 2) size.writeUInt16BE(length)
  if (size.length === 8) size.writeBigUInt64BE(BigInt(length))
  if (size.length > 0) head[1] = (head[1] ?? 0) | (size.length === 2 ? 126 : 127)
  // Masked with zeros, which changes nothing.
  return Buffer.concat([Buffer.from(head), size, Buffer.alloc(masked ? 4 : 0), payload])
}

/** The request that makes a connection a WebSocket. */
export function upgrade(path: string): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: vibed.lab',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}
