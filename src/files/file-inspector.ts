import { createHash } from 'node:crypto'
import { Transform, type TransformCallback } from 'node:stream'
import { fileTypeFromBuffer } from 'file-type'
import { refuse } from '../errors.js'

/** How much of a file decides on its type. */
const SAMPLE_BYTES = 65_536

/** The control characters that texts do hold: tab, line feed, form feed, return and escape. */
const IN_TEXTS = [9, 10, 12, 13, 27]

/**
 * Looks at a file as it passes by: how large it is, what it is, and what tells it from others.
 * It fails with PAYLOAD_TOO_LARGE.
 */
export class FileInspector extends Transform {
  private readonly hash = createHash('sha256')
  private readonly sample = Buffer.alloc(SAMPLE_BYTES)
  private bytes = 0

  constructor(private readonly maxBytes: number) {
    super()
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.bytes + chunk.length > this.maxBytes) {
      done(tooLarge(this.maxBytes))
      return
    }
    if (this.bytes < SAMPLE_BYTES) chunk.copy(this.sample, this.bytes)
    this.bytes += chunk.length
    this.hash.update(chunk)
    done(null, chunk)
  }

  /** The SHA-256 of all that has passed. To be asked once. */
  digest(): string {
    return this.hash.digest('base64url')
  }

  /** A media type by what is in the file. What its sender says of it, and its name, count for nothing. */
  async contentType(): Promise<string> {
    const sample = this.sample.subarray(0, this.bytes)
    const found = await fileTypeFromBuffer(sample).catch(() => undefined)
    if (found) return found.mime
    return isText(sample, this.bytes <= SAMPLE_BYTES) ? 'text/plain' : 'application/octet-stream'
  }
}

export function tooLarge(maxBytes: number) {
  return refuse('PAYLOAD_TOO_LARGE', { message: `A file has at most ${maxBytes} bytes` })
}

/** Where there is more of it, its last character may be cut through. */
function isText(sample: Buffer, isWhole: boolean): boolean {
  if (sample.some(byte => byte < 32 && !IN_TEXTS.includes(byte))) return false
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(sample, { stream: !isWhole })
    return true
  } catch {
    return false
  }
}
