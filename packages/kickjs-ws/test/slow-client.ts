import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 }

/**
 * A WebSocket client that reads what it is told to and no more, on a plain TCP socket: like a browser
 * on a bad line it answers each ping when it comes to it.
 */
export class SlowClient {
  readonly frames: string[] = []
  /** How many pings of the WebSocket itself it has read. */
  pings = 0
  close: { code: number; reason: string } | undefined
  /** Resolves when the TCP connection is gone. */
  readonly gone: Promise<void>
  private unread = Buffer.alloc(0)
  private reader: NodeJS.Timeout | undefined
  private answersPings = true

  private constructor(readonly socket: Socket) {
    socket.on('error', () => {})
    this.gone = new Promise(resolve => socket.once('close', () => resolve()))
    onTestFinished(() => {
      clearInterval(this.reader)
      socket.destroy()
    })
  }

  /** A client that has joined the namespace, and reads all it is sent. */
  static async join(port: number, namespace: string): Promise<SlowClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const client = new SlowClient(socket)
    socket.write(
      'GET /ws/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    )
    const [head]: Buffer[] = await once(socket, 'data')
    const end = head?.indexOf('\r\n\r\n') ?? -1
    if (!head?.toString('latin1').startsWith('HTTP/1.1 101') || end < 0) throw new Error(String(head))
    client.take(head.subarray(end + 4))
    client.resume()
    client.send(`40${namespace},`)
    await client.seen(`40${namespace},`)
    return client
  }

  send(text: string): void {
    this.write(OPCODE.text, Buffer.from(text))
  }

  ping(payload = ''): void {
    this.write(OPCODE.ping, Buffer.from(payload))
  }

  pong(payload: string): void {
    this.write(OPCODE.pong, Buffer.from(payload))
  }

  /** Reads nothing more. */
  stop(): void {
    clearInterval(this.reader)
    this.socket.pause()
  }

  /** Reads all it is sent, as at the beginning. */
  resume(): void {
    clearInterval(this.reader)
    this.socket.removeAllListeners('data')
    this.socket.on('data', chunk => this.take(chunk)).resume()
  }

  ignorePings(): void {
    this.answersPings = false
  }

  /** Reads so many bytes a second, a tenth of them at a time. */
  readAt(bytesPerSecond: number): void {
    this.stop()
    this.socket.removeAllListeners('data')
    this.reader = setInterval(() => {
      const chunk: Buffer | null = this.socket.read(Math.min(bytesPerSecond / 10, this.socket.readableLength))
      if (chunk) this.take(chunk)
      else this.socket.read(0)
    }, 100)
  }

  /** The first frame from now on, or so far, that starts like this. */
  async seen(start: string): Promise<string> {
    for (;;) {
      const frame = this.frames.find(text => text.startsWith(start))
      if (frame !== undefined) return frame
      await once(this.socket, 'data')
    }
  }

  private write(opcode: number, payload: Buffer): void {
    // A mask of zeros: the protocol wants one, and it changes nothing.
    const head =
      payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 255]
    this.socket.write(Buffer.concat([Buffer.from([0x80 | opcode, ...head, 0, 0, 0, 0]), payload]))
  }

  private take(chunk: Buffer): void {
    this.unread = Buffer.concat([this.unread, chunk])
    for (;;) {
      const frame = this.nextFrame()
      if (!frame) return
      this.handle(frame.opcode, frame.payload)
    }
  }

  private nextFrame() {
    const { unread } = this
    if (unread.length < 2) return
    const short = unread.readUInt8(1) & 127
    const start = short === 127 ? 10 : short === 126 ? 4 : 2
    if (unread.length < start) return
    const length = short === 127 ? unread.readUIntBE(4, 6) : short === 126 ? unread.readUInt16BE(2) : short
    if (unread.length < start + length) return
    this.unread = unread.subarray(start + length)
    return { opcode: unread.readUInt8(0) & 15, payload: unread.subarray(start, start + length) }
  }

  private handle(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.text) {
      this.frames.push(String(payload))
      if (this.answersPings && String(payload) === '2') this.send('3')
    }
    if (opcode === OPCODE.ping) {
      this.pings++
      if (this.answersPings) this.pong(String(payload))
    }
    if (opcode === OPCODE.close) {
      // One without a status says so by this code (RFC 6455, 7.1.5).
      const code = payload.length < 2 ? 1005 : payload.readUInt16BE(0)
      this.close = { code, reason: String(payload.subarray(2)) }
    }
  }
}
