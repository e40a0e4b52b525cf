import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { RequestContext } from '@forinda/kickjs-http'
import { refuse } from '../errors.js'
import type { ByteRange } from './file-store.js'

/** How long a client may read nothing of what it asked for, in milliseconds. */
const IDLE_MS = 60_000

/** A file that never changes: another one has another id. */
export interface GivenFile {
  id: string
  fileName: string
  contentType: string
  size: number
  createdAt: string
  /** Undefined where it is lost. */
  open(range?: ByteRange): Promise<Readable | undefined>
}

type Exchange = Pick<RequestContext, 'req' | 'res'>

/**
 * Answers with a file, or with the part of it that is asked for, as something to be saved: what strangers
 * have uploaded must never run as a page of ours.
 * @throws RANGE_NOT_SATISFIABLE, FILE_MISSING, FILES_UNAVAILABLE
 */
export async function answerFile({ req, res }: Exchange, file: GivenFile): Promise<void> {
  describe(res, file)
  if (req.fresh) {
    res.status(304).end()
    return
  }
  if (req.method === 'HEAD') {
    res.set('Content-Length', String(file.size)).end()
    return
  }
  const range = rangeOf({ req, res }, file.size)
  const content = await opened(file, range)
  if (range) res.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${file.size}`)
  const length = range ? range.end - range.start + 1 : file.size
  res.set('Content-Length', String(length)).setTimeout(IDLE_MS, () => res.destroy())
  try {
    await pipeline(content, whole(length), res)
  } catch (error) {
    // Nobody is left to be told, and it is no fault of ours.
    if (!res.errored) return
    throw error
  }
}

function describe(res: Exchange['res'], { id, fileName, contentType, createdAt }: GivenFile): void {
  res.attachment(fileName).set({
    'Content-Type': contentType,
    'Content-Security-Policy': "sandbox; default-src 'none'",
    'X-Content-Type-Options': 'nosniff',
    // Kept by the one who asked, but not used again without asking.
    'Cache-Control': 'private, no-cache',
    'Accept-Ranges': 'bytes',
    'Last-Modified': new Date(createdAt).toUTCString(),
    ETag: `"${id}"`,
  })
}

/**
 * The one range that is asked for. Several at once, and what is no range, are answered with the whole
 * file. Express' own reading is not used: it refuses the last 500 bytes of a file that has fewer.
 */
function rangeOf({ req, res }: Exchange, size: number): ByteRange | undefined {
  const condition = req.get('If-Range')
  const isOfThis = [undefined, res.get('ETag'), res.get('Last-Modified')].includes(condition)
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/i.exec(req.get('Range') ?? '') ?? []
  const isBackwards = first !== '' && last !== '' && Number(first) > Number(last)
  if (!isOfThis || isBackwards || first + last === '') return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (start <= end) return { start, end }
  throw refuse('RANGE_NOT_SATISFIABLE', { headers: { 'Content-Range': `bytes */${size}` } })
}

async function opened({ id, open }: GivenFile, range: ByteRange | undefined): Promise<Readable> {
  const content = await open(range).catch((cause: unknown) => {
    throw refuse('FILES_UNAVAILABLE', { cause })
  })
  if (!content) throw refuse('FILE_MISSING', { cause: new Error(`The file of attachment ${id} is missing`) })
  return content
}

/** Fails where a file is shorter than was announced: its reader would wait for the rest for ever. */
function whole(length: number) {
  return async function* (content: AsyncIterable<Buffer>) {
    let missing = length
    for await (const chunk of content) {
      missing -= chunk.length
      yield chunk
    }
    if (missing !== 0) throw new Error('A file is not as long as it was when it was stored')
  }
}
