import { Decoder, Encoder, type Packet, PacketType } from 'socket.io-parser'

/** The event that stands for one too large to read. A client cannot send it: no symbol comes over a wire. */
export const TOO_LARGE = Symbol('event too large')

/** Up to how many times `maxPayload` a frame is answered; one larger closes the transport. */
export const ANSWERED_FACTOR = 4

/** Type, namespace and ack id come before the payload's `[`, well within this many characters. */
const MAX_HEAD = 1_000
const EMPTY = Buffer.alloc(0)
/** By the array that the parser made of an event. */
const sizes = new WeakMap<readonly unknown[], number>()

/** How large an event was on the wire, attachments included; 0 for one that was too large, of which nothing is kept. */
export function bytesOf(event: readonly unknown[]): number {
  return sizes.get(event) ?? 0
}

/**
 * A Socket.IO parser which turns an event larger than `maxPayload` bytes, attachments included, into
 * `TOO_LARGE` with the same ack id. Socket.IO itself would close the connection without a word.
 */
export function parserFor(maxPayload: number): {
  Encoder: typeof Encoder
  Decoder: new () => LimitedDecoder
} {
  return {
    Encoder,
    Decoder: class extends LimitedDecoder {
      constructor() {
        super(maxPayload)
      }
    },
  }
}

export class LimitedDecoder extends Decoder {
  /** Size of the packet being read. */
  private bytes = 0

  constructor(private readonly maxPayload: number) {
    super()
    // The first to hear of a packet: Socket.IO gets it as it is left here.
    this.on('decoded', note)
  }

  /** Takes a packet or one of its attachments. Throws on what is malformed, which closes the connection. */
  override add(chunk: unknown): void {
    if (typeof chunk === 'string') {
      this.bytes = Buffer.byteLength(chunk)
      super.add(this.isTooLarge ? headOf(chunk) : chunk)
    } else {
      if (chunk instanceof Uint8Array) this.bytes += chunk.byteLength
      super.add(this.isTooLarge ? EMPTY : chunk)
    }
  }

  /** A packet is complete. */
  finish(packet: Packet): void {
    if (this.isTooLarge) dropPayload(packet)
    else if (Array.isArray(packet.data)) sizes.set(packet.data, this.bytes)
  }

  private get isTooLarge(): boolean {
    return this.bytes > this.maxPayload
  }
}

/** One function for all decoders, of which every connection has one. */
function note(this: LimitedDecoder, packet: Packet): void {
  this.finish(packet)
}

/** The packet with a payload that costs nothing to parse. */
function headOf(packet: string): string {
  const end = packet.slice(0, MAX_HEAD).indexOf('[')
  if (end < 0) throw new Error('Too large, and not an event')
  return `${packet.slice(0, end)}[0]`
}

function dropPayload(packet: Packet): void {
  if (packet.type !== PacketType.EVENT) throw new Error('Too large, and not an event')
  packet.data = [TOO_LARGE]
}
