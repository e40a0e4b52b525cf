import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { receiveFile } from '../../src/files/receive-file.js'
import { BOUNDARY, end, part } from './uploading.js'

/** What nobody caught would have ended the server. */
const uncaught: unknown[] = []
const note = (problem: unknown) => uncaught.push(problem)

beforeAll(() => {
  process.on('uncaughtExceptionMonitor', note)
})
afterAll(() => {
  process.off('uncaughtExceptionMonitor', note)
  expect(uncaught).toEqual([])
})

/** A request as Node gives it, whose body comes in these pieces and may break off. */
function requestOf(pieces: readonly Buffer[], breaksOff: boolean): IncomingMessage {
  const body = async function* () {
    yield* pieces
    if (breaksOff) throw new Error('read ECONNRESET')
  }
  const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
  const req = Object.assign(Readable.from(body(), { objectMode: false }), { headers, complete: false })
  req.on('error', () => {}).on('end', () => Object.assign(req, { complete: true }))
  return req as unknown as IncomingMessage
}

function cutUp(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? 1
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

/** A store that may be slow, or fail at once or amid a file. */
class Store {
  underWay = 0
  kept = 0

  constructor(private readonly manner: 'good' | 'slow' | 'fails at once' | 'fails later') {}

  store = async (content: Readable): Promise<number> => {
    this.underWay++
    try {
      if (this.manner === 'fails at once') throw new Error('no space left')
      let bytes = 0
      for await (const chunk of content) {
        bytes += chunk.length
        if (this.manner === 'slow') await new Promise(resolve => setImmediate(resolve))
        if (this.manner === 'fails later') throw new Error('no space left')
      }
      this.kept++
      return bytes
    } finally {
      this.underWay--
    }
  }

  discard = async (): Promise<void> => {
    this.kept--
  }
}

const whole = part('form-data; name="file"; filename="a.txt"', '')
const morsel = fc.constantFrom(
  `--${BOUNDARY}\r\n`,
  `--${BOUNDARY}--\r\n`,
  `--${BOUNDARY}`,
  '--',
  '-',
  '\r\n',
  '\r',
  '\n',
  '\0\0',
  'hello',
  'x'.repeat(5_000),
  'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n',
  'Content-Disposition: form-data; name="x"\r\n',
  "Content-Disposition: form-data; name=file; filename*=UTF-8''%e2%82\r\n",
  "Content-Disposition: form-data; name=file; filename*=utf-16le''a%00%d8\r\n",
  "Content-Disposition: form-data; name=file; filename*=bogus''x%zz\r\n",
  'Content-Disposition: attachment; filename=x\r\n',
  'Content-Disposition: form-data;;;="\\\r\n',
  'Content-Disposition:',
  'Content-Type: text/plain; charset=utf-16\r\n',
  'Content-Type: application/octet-stream\r\n',
)
const anyForm = fc
  .tuple(fc.boolean(), fc.array(morsel, { maxLength: 12 }), fc.boolean())
  .map(([begins, morsels, ends]) =>
    Buffer.concat([
      begins ? whole.subarray(0, -2) : Buffer.alloc(0),
      Buffer.from(morsels.join(''), 'latin1'),
      ends ? Buffer.concat([Buffer.from('\r\n'), end]) : Buffer.alloc(0),
    ]),
  )

test('any form comes to an end, and nothing is kept but what was received', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 })
  const manner = fc.constantFrom('good', 'slow', 'fails at once', 'fails later')
  const maxBytes = fc.constantFrom(3, 1_000_000)
  await fc.assert(
    fc.asyncProperty(
      anyForm,
      sizes,
      fc.boolean(),
      manner,
      maxBytes,
      async (bytes, cuts, breaks, how, most) => {
        const store = new Store(how)
        const req = requestOf(cutUp(bytes, cuts), breaks)
        const received = await receiveFile(req, { maxBytes: most, ...store }).catch(() => undefined)
        expect([store.underWay, store.kept]).toEqual([0, received ? 1 : 0])
      },
    ),
    { numRuns: 2_000 },
  )
})

test('a file whose end is lost between boundaries that overlap is not waited for', async () => {
  const head = whole.subarray(0, -2).toString()
  const store = new Store('good')
  const bytes = Buffer.from(`${head}--${BOUNDARY}\r\n----${BOUNDARY}\r\n\0\0--${BOUNDARY}--\r\n`)
  const received = await receiveFile(requestOf([bytes], false), { maxBytes: 100, ...store }).catch(() => null)
  expect([store.underWay, store.kept]).toEqual([0, received ? 1 : 0])
})
