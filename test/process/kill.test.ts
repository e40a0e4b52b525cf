import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'
import { connectChat } from '../support/chat.js'
import { cloneDatabase } from '../support/database.js'
import { type ServerProcess, startServer, temporaryFolder } from '../support/process.js'

const ROUNDS = 3
/** How many writes of each kind are under way at any moment. */
const LANES = 8

/** Give `KILL_SEED` to see a run again: it decides how far each round comes before the kill. */
const seed = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000)

/** Mulberry32: numbers from 0 to 1 that are the same for the same seed. */
function randomFrom(state: number) {
  let next = state
  return () => {
    next = (next + 0x6d2b79f5) | 0
    let t = Math.imul(next ^ (next >>> 15), 1 | next)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What was tried, and what of it was acknowledged, in all rounds so far. */
class Ledger {
  /** Contents by the ids of messages. */
  readonly messages = new Map<string, string>()
  readonly storedMessages = new Set<string>()
  readonly titles = new Set<string>()
  /** Ids by the titles of tasks. */
  readonly storedTasks = new Map<string, string>()

  get acknowledged(): number {
    return this.storedMessages.size + this.storedTasks.size
  }

  newMessage() {
    const message = { id: randomUUID(), content: `message ${this.messages.size}` }
    this.messages.set(message.id, message.content)
    return message
  }

  newTitle(): string {
    const title = `task ${this.titles.size}`
    this.titles.add(title)
    return title
  }
}

interface Place {
  user: TestUser
  channelId: string
  projectId: string
}

async function settle(origin: string): Promise<Place> {
  const user = await register(origin, 'Ann')
  const workspace = await workspaceOf(user)
  const at = `/workspaces/${workspace.id}`
  const channel = await user.api.data('POST', `${at}/channels`, { name: 'general', type: 'public' })
  const project = await user.api.data('POST', `${at}/projects`, { name: 'Engine', key: 'ENG' })
  return { user, channelId: channel.id, projectId: project.id }
}

function createTask(api: Api, projectId: string, title: string) {
  const headers = { 'idempotency-key': title }
  return api.post(`/projects/${projectId}/tasks`, { title }, { headers })
}

/** Writes in all three ways without a pause, and kills the server right after the ack that makes `enough`. */
async function burst(server: ServerProcess, api: Api, place: Place, ledger: Ledger, enough: number) {
  const { channelId, projectId } = place
  const client = await connectChat(api.origin, api.token)
  const sendBySocket = async () => {
    const message = ledger.newMessage()
    const { ok, data } = await client.ask('message:send', { channelId, ...message })
    return ok && ledger.storedMessages.add(data.messageId)
  }
  const sendByRest = async () => {
    const { status, body } = await api.post(`/channels/${channelId}/messages`, ledger.newMessage())
    return status === 201 && ledger.storedMessages.add(body.data.messageId)
  }
  const addTask = async () => {
    const title = ledger.newTitle()
    const { status, body } = await createTask(api, projectId, title)
    return status === 201 && ledger.storedTasks.set(title, body.data.id)
  }
  const refused: string[] = []
  const lane = async (write: () => Promise<unknown>) => {
    while (ledger.acknowledged < enough) if (!(await write())) refused.push(write.name)
    server.signal('SIGKILL')
  }
  const lanes = [sendBySocket, sendByRest, addTask].flatMap(write =>
    Array.from({ length: LANES }, () => lane(write)),
  )
  // A lane that waits for an answer when the server dies ends with a broken connection.
  await Promise.allSettled(lanes)
  await server.ended
  expect(refused).toEqual([])
}

async function walk(api: Api, path: string) {
  const rows = []
  for (let cursor = ''; ; ) {
    const { status, body } = await api.get(`${path}&limit=100${cursor && `&cursor=${cursor}`}`)
    expect(status).toBe(200)
    rows.push(...body.data)
    if (body.meta.nextCursor === null) return rows
    cursor = body.meta.nextCursor
  }
}

const oneTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1)

/** Each acknowledged write once, nothing that was never tried, and no hole in any sequence. */
async function audit(api: Api, { channelId, projectId }: Place, ledger: Ledger) {
  const messages = await walk(api, `/channels/${channelId}/messages?sort=createdAt`)
  const channel = await api.data('GET', `/channels/${channelId}`)
  expect(messages.map(({ position }) => position)).toEqual(oneTo(channel.lastSeq))
  expect(messages.map(({ seq }) => seq)).toEqual(oneTo(channel.lastSeq))
  const contents = new Map(messages.map(({ messageId, content }) => [messageId, content]))
  expect(contents.size).toBe(messages.length)
  for (const [id, content] of contents) expect(ledger.messages.get(id)).toBe(content)
  expect([...ledger.storedMessages].filter(id => !contents.has(id))).toEqual([])

  const tasks = await walk(api, `/projects/${projectId}/tasks?sort=createdAt`)
  const project = await api.data('GET', `/projects/${projectId}`)
  expect(tasks.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(oneTo(project.lastSeq))
  expect(new Set(tasks.map(({ key }) => key))).toEqual(new Set(oneTo(tasks.length).map(n => `ENG-${n}`)))
  const ids = new Map(tasks.map(({ title, id }) => [title, id]))
  expect(ids.size).toBe(tasks.length)
  for (const title of ids.keys()) expect(ledger.titles.has(title)).toBe(true)
  expect([...ledger.storedTasks].filter(([title, id]) => ids.get(title) !== id)).toEqual([])
  return { messages: messages.length, tasks: tasks.length }
}

/** A client that does not know what became of its writes sends them all again. */
async function retryAll(api: Api, { channelId, projectId }: Place, ledger: Ledger) {
  for (const [id, content] of ledger.messages) {
    const { messageId } = await api.data('POST', `/channels/${channelId}/messages`, { id, content })
    expect(messageId).toBe(id)
    ledger.storedMessages.add(id)
  }
  for (const title of ledger.titles) {
    const { status, headers, body } = await createTask(api, projectId, title)
    const known = ledger.storedTasks.get(title)
    if (known === undefined && status === 201) ledger.storedTasks.set(title, body.data.id)
    // Until its time is over nobody knows whether a request that was killed is still under way.
    else if (known === undefined) expect(body.code).toMatch(/^IDEMPOTENCY_(IN_PROGRESS|ANSWER_LOST)$/)
    else expect([status, body.data.id, headers.get('idempotency-replayed')]).toEqual([201, known, 'true'])
  }
}

describe.each(['embedded', 'postgres'])('a server on %s that is killed', on => {
  test('amid its writes has every acknowledged one, once, when it is back', {
    timeout: 180_000,
  }, async () => {
    const random = randomFrom(seed)
    const database = on === 'postgres' ? await cloneDatabase() : undefined
    const env = {
      VIBED_DATA_DIR: temporaryFolder(),
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'info',
      ...(database && { DATABASE_URL: database.url }),
    }
    const ledger = new Ledger()
    let place: Place | undefined
    for (let round = 1; round <= ROUNDS; round++) {
      const { server, origin } = await startServer(env)
      place ??= await settle(origin)
      const api = new Api(origin, place.user.accessToken)
      if (round > 1) {
        await audit(api, place, ledger)
        await retryAll(api, place, ledger)
      }
      const enough = ledger.acknowledged + 20 + Math.floor(random() * 100)
      await burst(server, api, place, ledger, enough)
    }
    if (!place) throw new Error('no round was played')
    const { origin } = await startServer(env)
    const api = new Api(origin, place.user.accessToken)
    const found = await audit(api, place, ledger)
    process.stdout.write(
      `Killed ${ROUNDS} times on ${on} (KILL_SEED=${seed}): ${ledger.acknowledged} acknowledged, ${found.messages} messages and ${found.tasks} tasks found\n`,
    )
    await retryAll(api, place, ledger)
    await audit(api, place, ledger)
    await database?.drop()
  })
})
