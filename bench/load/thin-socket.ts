import { connect, type Socket } from 'node:net'
import { CLOSE, FrameReader, frame, PING, PONG, TEXT } from './frames.js'

/** Shared by all sockets of the process: each read is looked through at once. */
const incoming = Buffer.alloc(256 * 1024)

const HEAD_END = Buffer.from('\r\n\r\n')
/** How the packets of the namespace begin: connected, refused, an event, an ack. */
const CONNECTED = Buffer.from('40/chat,')
const REFUSED = Buffer.from('44/chat,')
const ACK = Buffer.from('43/chat,')
const MESSAGE = Buffer.from('42/chat,["message:new",')
const ERROR = Buffer.from('42/chat,["error",')
const WELCOME = Buffer.from('42/chat,["welcome",')
const FINE = Buffer.from('[{"ok":true')
const ENGINE_OPEN = '0'.charCodeAt(0)
const ENGINE_PING = '2'.charCodeAt(0)
const ZERO = '0'.charCodeAt(0)

/** One client, as cheap as one can be: a WebSocket that knows as much of Socket.IO as a chat needs. */
export class ThinSocket {
  /** How many messages it has heard. */
  heard = 0
  /** Frames of any other kind. */
  others = 0
  /** When the last of those came. */
  lastOther = 0
  /** Is told of each message, and where it lies in the bytes; only where somebody wants to look into it. */
  onMessage: ((bytes: Buffer, start: number, end: number) => void) | undefined
  private readonly acks = new Map<number, (fault: string | undefined) => void>()
  private asked = 0
  private head: Buffer | undefined = Buffer.alloc(0)
  private isClosing = false
  private complaint = ''
  private readonly reader = new FrameReader((kind, bytes, start, end) => this.hear(kind, bytes, start, end))
  private readonly socket: Socket

  private constructor(
    origin: string,
    private readonly token: string,
    private readonly welcomed: () => void,
    private readonly lost: (error: Error) => void,
  ) {
    const { hostname, port, host } = new URL(origin)
    this.socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer: incoming,
        callback: (length, buffer) => this.read(Buffer.from(buffer.buffer, buffer.byteOffset, length)),
      },
    })
    this.socket.on('error', lost)
    this.socket.on('close', () => {
      if (!this.isClosing) lost(new Error('the server has closed a socket'))
    })
    this.socket.write(
      `GET /ws/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
  }

  /**
   * Resolves once the server has welcomed it.
   * @param lost is told when the server ends the connection later on
   */
  static open(origin: string, token: string, lost: (error: Error) => void): Promise<ThinSocket> {
    return new Promise((resolve, reject) => {
      const socket: ThinSocket = new ThinSocket(
        origin,
        token,
        () => resolve(socket),
        error => {
          reject(error)
          lost(error)
        },
      )
    })
  }

  /** Sends an event that is acknowledged; `done` hears what went wrong, if anything did. */
  send(event: string, data: object, done: (fault: string | undefined) => void): void {
    this.asked += 1
    this.acks.set(this.asked, done)
    this.write(TEXT, `42/chat,${this.asked}${JSON.stringify([event, data])}`)
  }

  /** @throws where the answer is an error */
  ask(event: string, data: object): Promise<void> {
    return new Promise((resolve, reject) =>
      this.send(event, data, fault => {
        if (fault === undefined) resolve()
        else reject(new Error(`${event}: ${fault}`))
      }),
    )
  }

  close(): void {
    this.isClosing = true
    this.socket.destroy()
  }

  private write(kind: number, content: string | Buffer) {
    this.socket.write(frame(kind, content))
  }

  private read(chunk: Buffer): boolean {
    if (this.head === undefined) {
      this.reader.read(chunk)
      return true
    }
    this.head = Buffer.concat([this.head, chunk])
    const end = this.head.indexOf(HEAD_END)
    if (end === -1) return true
    const rest = this.head.subarray(end + HEAD_END.length)
    const status = this.head.toString('latin1', 0, this.head.indexOf('\r\n'))
    this.head = undefined
    if (!status.includes(' 101 ')) this.lost(new Error(`no WebSocket: ${status}`))
    else this.reader.read(rest)
    return true
  }

  private hear(kind: number, bytes: Buffer, start: number, end: number) {
    if (kind === PING) this.write(PONG, Buffer.from(bytes.subarray(start, end)))
    else if (kind === TEXT) this.packet(bytes, start, end)
    else if (kind === CLOSE) this.lost(new Error(`the server says goodbye: ${this.complaint}`))
  }

  private packet(bytes: Buffer, start: number, end: number) {
    if (begins(MESSAGE, bytes, start)) {
      this.heard += 1
      this.onMessage?.(bytes, start + MESSAGE.length, end)
    } else if (begins(ACK, bytes, start)) this.acknowledged(bytes, start + ACK.length, end)
    else if (bytes[start] === ENGINE_PING) this.write(TEXT, '3')
    else if (bytes[start] === ENGINE_OPEN)
      this.write(TEXT, `40/chat,${JSON.stringify({ token: this.token })}`)
    else if (begins(WELCOME, bytes, start)) this.welcomed()
    else if (begins(ERROR, bytes, start)) this.complaint = bytes.toString('utf8', start, end)
    else if (begins(REFUSED, bytes, start)) this.lost(new Error(bytes.toString('utf8', start, end)))
    else if (!begins(CONNECTED, bytes, start)) this.noteOther()
  }

  private noteOther() {
    this.others += 1
    this.lastOther = performance.now()
  }

  private acknowledged(bytes: Buffer, start: number, end: number) {
    let [n, at] = [0, start]
    for (let digit = digitAt(bytes, at); digit !== undefined; digit = digitAt(bytes, at)) {
      n = n * 10 + digit
      at += 1
    }
    const done = this.acks.get(n)
    this.acks.delete(n)
    done?.(begins(FINE, bytes, at) ? undefined : bytes.toString('utf8', at, end))
  }
}

function begins(wanted: Buffer, bytes: Buffer, start: number): boolean {
  return bytes.compare(wanted, 0, wanted.length, start, Math.min(start + wanted.length, bytes.length)) === 0
}

function digitAt(bytes: Buffer, at: number): number | undefined {
  const digit = (bytes[at] ?? 0) - ZERO
  return digit >= 0 && digit <= 9 ? digit : undefined
}
