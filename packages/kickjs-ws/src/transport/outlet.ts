import type { Socket as TcpSocket } from 'node:net'
import type { Socket } from 'socket.io'
import type { Bundle } from './bundle.js'
import type { Frame, Turn } from './turn.js'
import { isOpen, tcpOf, type Wire } from './wire.js'

type Connection = Socket['conn']
type Options = Parameters<Connection['write']>[1] & { wsPreEncodedFrame?: Frame }

/** The most that waits for the end of a turn, in bytes; nothing is gained by joining what is larger. */
const MOST_BYTES = 65_536

/** Who keeps the books of what a connection is sent. */
export interface Books {
  /** Whether the connection has packets that its transport could not take yet. */
  readonly isWaiting: boolean
  /** Whether somebody else listens to the events that Engine.IO emits for each packet. */
  readonly isWatched: boolean
  /** So many frames went past Engine.IO, straight to the kernel. Must not lead to anything being sent. */
  passed(bytes: number, count: number): void
  /** What follows from what was sent may be done now. */
  weigh(): void
}

/**
 * The short way out for broadcasts over WebSocket. Socket.IO has made their frame already, once for
 * everybody, so it need not pass Engine.IO: the frames of a turn go to the TCP connection in one piece.
 * Where anything is out of the ordinary they take the way of all other packets. What a connection is
 * sent on both ways leaves in the order in which it was sent.
 */
export class Outlet {
  private wire: Wire | undefined
  private tcp: TcpSocket | undefined
  private bundle: Bundle | undefined

  constructor(
    private readonly connection: Connection,
    private readonly turn: Turn,
    private readonly books: Books,
  ) {
    const { close } = connection
    connection.write = (data, options: Options, callback) =>
      !callback && this.take(options?.wsPreEncodedFrame)
        ? connection
        : connection.send(data, options, callback)
    connection.close = discard => {
      this.flush()
      close.call(connection, discard)
    }
    connection.on('flush', (packets: readonly unknown[]) => this.precede(packets.length))
  }

  /** The connection has another transport; one that is no WebSocket has no wire. */
  use(wire: Wire | undefined): void {
    this.wire = wire
    // With an extension, frames would have to be compressed.
    this.tcp = wire?.extensions === '' ? tcpOf(wire) : undefined
  }

  endTurn(): void {
    this.flush()
    this.books.weigh()
  }

  /** The transport was given what `precede` made way for. */
  followed(): void {
    this.tcp?.uncork()
  }

  /** Packets that Engine.IO is about to write come after the frames that wait, in one piece with them. */
  private precede(packets: number): void {
    if (this.bundle || packets > 1) this.tcp?.cork()
    this.flush()
  }

  private take(frame: Frame | undefined): boolean {
    if (!frame || !this.tcp || this.books.isWaiting) return false
    const bytes = this.turn.bytesOf(frame)
    if (bytes.length > MOST_BYTES) return false
    if (this.bundle && this.bundle.bytes + bytes.length > MOST_BYTES) this.flush()
    if (!this.bundle && !this.isClear(this.tcp)) return false
    this.bundle = (this.bundle ?? this.turn.begin(this)).and(bytes)
    return true
  }

  /** Whether the kernel has taken all there was: what it does not take is for Engine.IO to queue. */
  private isClear(tcp: TcpSocket): boolean {
    const { connection, wire, books } = this
    return tcp.writableLength === 0 && connection.readyState === 'open' && isOpen(wire) && !books.isWatched
  }

  private flush(): void {
    const { bundle, wire, tcp } = this
    this.bundle = undefined
    if (!bundle || !isOpen(wire)) return
    tcp?.write(bundle.toBuffer())
    this.books.passed(bundle.bytes, bundle.count)
  }
}
