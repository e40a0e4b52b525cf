import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HttpException } from '@forinda/kickjs-core'
import { invalid, refuse } from '../errors.js'
import { FileInspector, tooLarge } from './file-inspector.js'
import { cleanFileName } from './file-name.js'
import { UploadForm } from './upload-form.js'

/** More than a form takes around its file. */
const FORM_BYTES = 65_536
/** How long somebody may go on sending what was refused, in milliseconds. */
const LINGER_MS = 30_000

export interface ReceivedFile {
  fileName: string
  /** By what is in it. */
  contentType: string
  size: number
  /** Its SHA-256. */
  digest: string
}

export interface Reception {
  maxBytes: number
  /** Takes the file as it comes, and tells how many bytes it was. */
  store(content: Readable): Promise<number>
  /** Removes what was stored, where the form turns out wrong after it. */
  discard(): Promise<void>
}

/**
 * Reads a form that holds one file, in the field `file`, and nothing else. The file goes through as it
 * comes, at the pace of whoever stores it. When this rejects, nothing is being stored any more.
 * @throws MALFORMED_UPLOAD, VALIDATION_ERROR, PAYLOAD_TOO_LARGE, FILES_UNAVAILABLE where it cannot be stored
 */
export async function receiveFile(req: IncomingMessage, reception: Reception): Promise<ReceivedFile> {
  try {
    if (leastSize(req) > reception.maxBytes) throw tooLarge(reception.maxBytes)
    return await receive(req, reception)
  } catch (error) {
    const hasLeft = req.destroyed && !req.complete
    if (error instanceof HttpException || hasLeft) throw error
    throw refuse('MALFORMED_UPLOAD', { cause: error })
  }
}

/** How many bytes a file has at least, as far as its request tells. */
export function leastSize({ headers }: IncomingMessage): number {
  return Math.max(0, Number(headers['content-length'] ?? 0) - FORM_BYTES)
}

/**
 * Reads on without keeping anything, for a while: a connection that is closed while its client still
 * sends is reset, and takes the answer with it.
 */
export function drain(req: IncomingMessage): void {
  const giveUp = setTimeout(() => req.destroy(), LINGER_MS)
  req.once('close', () => clearTimeout(giveUp))
  req.resume()
}

async function receive(req: IncomingMessage, reception: Reception): Promise<ReceivedFile> {
  const form = new UploadForm(req, (content, fileName) => takeFile(content, fileName, reception))
  try {
    return await form.read()
  } catch (error) {
    const [file] = await Promise.allSettled([form.taken])
    if (file.status === 'fulfilled' && file.value) await reception.discard()
    throw error
  }
}

async function takeFile(
  content: Readable,
  givenName: string | undefined,
  { maxBytes, store }: Reception,
): Promise<ReceivedFile> {
  const fileName = cleanFileName(givenName ?? '')
  if (fileName === undefined) throw invalid('body.file', 'must have a file name')
  // It may fail when nobody waits for it any more: an error without a listener would end the process.
  const inspector = new FileInspector(maxBytes).on('error', () => {})
  const storing = store(inspector).catch((cause: unknown) => {
    // A store that gives up reading aborts the stream; any other error is one of what it was given.
    const { errored } = inspector
    const isGiven = errored && errored.name !== 'AbortError'
    const error = isGiven ? errored : refuse('FILES_UNAVAILABLE', { cause })
    inspector.destroy(error)
    throw error
  })
  const [stored] = await Promise.allSettled([storing, pipeline(content, inspector)])
  if (stored.status === 'rejected') throw stored.reason
  const contentType = await inspector.contentType()
  return { fileName, contentType, size: stored.value, digest: inspector.digest() }
}
