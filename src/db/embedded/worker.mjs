// @ts-check
// Plain JavaScript, so that a worker thread can load it from `src` as well as from `dist`.
import { existsSync, renameSync, rmSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { dataDir as emptyDatabase } from '@electric-sql/pglite-prepopulatedfs'

const TERMINATE = 'X'.charCodeAt(0)

/** @typedef {{ kind: 'open' } | { kind: 'bytes', bytes: Uint8Array } | { kind: 'close' } | { kind: 'stop' }} Command */

if (!parentPort) throw new Error('The embedded database runs in a worker thread')
const port = parentPort
const database = await openDatabase(workerData.directory)
let unread = Buffer.alloc(0)
let started = false
let turn = Promise.resolve()

port.on('message', (/** @type {Command} */ command) => {
  turn = turn
    .then(() => obey(command))
    .catch(error => port.postMessage({ kind: 'failed', message: String(error) }))
})
port.postMessage({ kind: 'ready' })

/** @param {string | null} directory */
async function openDatabase(directory) {
  if (directory === null) return PGlite.create({ loadDataDir: await emptyDatabase() })
  if (!existsSync(directory)) {
    // Made beside its place and renamed, so that a kill half-way leaves no half-made database.
    const fresh = `${directory}.new`
    rmSync(fresh, { recursive: true, force: true })
    const made = await PGlite.create(fresh, { loadDataDir: await emptyDatabase() })
    await made.close()
    renameSync(fresh, directory)
  }
  return PGlite.create(directory)
}

/** @param {Command} command */
async function obey(command) {
  if (command.kind === 'open') return reset()
  if (command.kind === 'bytes') return relay(command.bytes)
  if (command.kind === 'close') return reset()
  await database.close()
  port.postMessage({ kind: 'stopped' })
}

/** A new connection must find nothing of the one before: no transaction, no prepared statements. */
async function reset() {
  unread = Buffer.alloc(0)
  started = false
  await database.exec('rollback')
  await database.exec('discard all')
  for (const [name, value] of Object.entries(workerData.settings))
    await database.exec(`set ${name} = '${value}'`)
}

/** @param {Uint8Array} bytes */
async function relay(bytes) {
  unread = unread.length ? Buffer.concat([unread, bytes]) : Buffer.from(bytes)
  /** @type {Buffer[]} */
  const answers = []
  for (let message = nextMessage(); message; message = nextMessage()) {
    if (message[0] === TERMINATE) continue
    // One message at a time: an error in the middle of a longer buffer would lose the rest of it.
    await database.execProtocolRawStream(message, { onRawData: data => answers.push(Buffer.from(data)) })
  }
  if (!answers.length) return
  const answer = new Uint8Array(Buffer.concat(answers))
  port.postMessage({ kind: 'bytes', bytes: answer }, [answer.buffer])
}

/** The next whole message of the wire protocol; the very first has no type byte before its length. */
function nextMessage() {
  const header = started ? 5 : 4
  if (unread.length < header) return undefined
  const length = unread.readInt32BE(header - 4) + header - 4
  if (unread.length < length) return undefined
  const message = unread.subarray(0, length)
  unread = unread.subarray(length)
  started = true
  return message
}
