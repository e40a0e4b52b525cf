/** The kinds of WebSocket frames that matter here (RFC 6455, 5.2). */
export const TEXT = 0x1
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

const FINAL = 0x80
const MASKED = 0x80
const IN_TWO_BYTES = 126
const MASK_LENGTH = 4

/**
 * Finds the frames in what a server sends. It copies nothing but what a chunk breaks off in the middle of: a
 * library's reader costs as much as the server that is to be measured.
 */
export class FrameReader {
  private rest: Buffer | undefined

  /** @param heard gets the bytes and where the frame's content lies in them, for as long as it runs */
  constructor(private readonly heard: (kind: number, bytes: Buffer, start: number, end: number) => void) {}

  /** The chunk may be overwritten afterwards. */
  read(chunk: Buffer): void {
    const bytes = this.rest ? Buffer.concat([this.rest, chunk]) : chunk
    let offset = 0
    while (true) {
      const start = contentOf(bytes, offset)
      if (start === undefined) break
      const end = start + lengthOf(bytes, offset)
      if (end > bytes.length) break
      this.heard(bytes.readUInt8(offset) & 0x0f, bytes, start, end)
      offset = end
    }
    this.rest = offset < bytes.length ? Buffer.from(bytes.subarray(offset)) : undefined
  }
}

/** Where the content of a frame begins; undefined while its head is not complete. */
function contentOf(bytes: Buffer, offset: number): number | undefined {
  if (offset + 2 > bytes.length) return undefined
  const short = bytes.readUInt8(offset + 1)
  const start = offset + (short < IN_TWO_BYTES ? 2 : short === IN_TWO_BYTES ? 4 : 10)
  return start > bytes.length ? undefined : start
}

function lengthOf(bytes: Buffer, offset: number): number {
  const short = bytes.readUInt8(offset + 1)
  if (short < IN_TWO_BYTES) return short
  return short === IN_TWO_BYTES ? bytes.readUInt16BE(offset + 2) : Number(bytes.readBigUInt64BE(offset + 2))
}

/** A frame as a client sends it. Its mask is zero, so that the content stays as it is. */
export function frame(kind: number, content: string | Buffer): Buffer {
  const length = Buffer.byteLength(content)
  if (length >= 2 ** 16) throw new Error('so long a frame is not sent here')
  const head = length < IN_TWO_BYTES ? 2 : 4
  const bytes = Buffer.alloc(head + MASK_LENGTH + length)
  bytes.writeUInt8(FINAL | kind, 0)
  bytes.writeUInt8(MASKED | (head === 2 ? length : IN_TWO_BYTES), 1)
  if (head === 4) bytes.writeUInt16BE(length, 2)
  bytes.set(typeof content === 'string' ? Buffer.from(content) : content, head + MASK_LENGTH)
  return bytes
}
