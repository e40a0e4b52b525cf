import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { io, type Socket } from 'socket.io-client'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Api, settle, type TestUser } from '../support/api.js'
import { startCluster } from '../support/cluster.js'
import { cloneDatabase } from '../support/database.js'
import { freePort } from '../support/free-port.js'

/** Clients of each transport. */
const CLIENTS = 20
const TRANSPORTS = ['websocket', 'polling'] as const

const script = fileURLToPath(new URL('../../deploy/cluster.mjs', import.meta.url))

/** A client as the documents want it: it comes back by itself, and at each welcome joins from where it was. */
class Listener {
  readonly seqs: number[] = []
  private readonly socket: Socket
  private isIn = false

  constructor(
    { api: { origin, token } }: TestUser,
    private readonly channelId: string,
    readonly transport: (typeof TRANSPORTS)[number],
  ) {
    const options = { path: '/ws', auth: { token }, transports: [transport], forceNew: true }
    this.socket = io(`${origin}/chat`, options)
    this.socket.on('welcome', () => this.join())
    this.socket.on('message:new', ({ seq }) => this.seqs.push(seq))
    this.socket.on('disconnect', () => {
      this.isIn = false
    })
    onTestFinished(() => void this.socket.disconnect())
  }

  /** The name of the node that it listens to, as its session id begins with it. */
  get node(): string | undefined {
    return this.isIn ? this.socket.io.engine.id.split('.')[0] : undefined
  }

  /** Whether it is acknowledged. */
  async send(draft: { id: string; content: string }): Promise<boolean> {
    if (!this.isIn) return false
    const message = { channelId: this.channelId, ...draft }
    const answer = await this.socket
      .timeout(1_000)
      .emitWithAck('message:send', message)
      .catch(() => undefined)
    return answer?.ok === true
  }

  private join() {
    const request = { channelId: this.channelId, since: this.seqs.at(-1) ?? 0 }
    this.socket.emit('channel:join', request, (answer: { ok: boolean; data?: { changes: Change[] } }) => {
      this.isIn = answer.ok
      for (const { seq } of answer.data?.changes ?? []) this.seqs.push(seq)
    })
  }
}

interface Change {
  seq: number
}

/** What nobody acknowledges is sent again, with the same id. */
async function sendOnce(send: (draft: { id: string; content: string }) => Promise<boolean>, content: string) {
  const draft = { id: randomUUID(), content }
  while (!(await send(draft))) await delay(100)
}

const oneTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1)
const soon = { timeout: 30_000, interval: 50 }

describe('two nodes behind nginx', () => {
  test.each([
    ['killed', 'SIGKILL'],
    ['told to stop', 'SIGTERM'],
  ] as const)(
    'share their clients, who miss nothing when one of them is %s',
    {
      timeout: 120_000,
    },
    async (_what, signal) => {
      const { origin, nodes } = await startCluster()
      const { user, channelId } = await settle(origin)
      const listeners = TRANSPORTS.flatMap(transport =>
        oneTo(CLIENTS).map(() => new Listener(user, channelId, transport)),
      )
      const nodesOf = (transport?: string) =>
        listeners
          .filter(listener => (transport ?? listener.transport) === listener.transport)
          .map(({ node }) => node)
      await vi.waitFor(() => expect(nodesOf()).not.toContain(undefined), soon)
      for (const transport of TRANSPORTS)
        for (const { name } of nodes)
          expect(nodesOf(transport).filter(node => node === name).length).toBeGreaterThanOrEqual(CLIENTS / 4)

      const byRest = async (draft: object) => {
        const answer = await user.api.post(`/channels/${channelId}/messages`, draft).catch(() => undefined)
        return answer !== undefined && answer.status < 300
      }
      const bySockets = TRANSPORTS.flatMap(transport =>
        nodes.map(({ name }) => {
          const sender = listeners.find(({ node, transport: own }) => node === name && own === transport)
          return (draft: { id: string; content: string }) => sender?.send(draft) ?? Promise.resolve(false)
        }),
      )
      const lanes = [byRest, ...bySockets]
      let sent = 0
      const lane = async (send: (typeof lanes)[number]) => {
        for (let n = 0; n < 8; n++) await sendOnce(send, `message ${sent++}`)
      }
      const allHaveAll = () => {
        for (const { seqs } of listeners) expect(seqs).toEqual(oneTo(sent))
      }

      await Promise.all(lanes.map(lane))
      await vi.waitFor(allHaveAll, soon)

      const sending = Promise.all(lanes.map(lane))
      await vi.waitFor(() => expect(listeners[0]?.seqs.length).toBeGreaterThan(lanes.length * 10), soon)
      nodes[0]?.server.signal(signal)
      await sending
      expect(sent).toBe(lanes.length * 16)
      await vi.waitFor(() => expect(nodesOf()).toEqual(listeners.map(() => 'node2')), soon)
      await vi.waitFor(allHaveAll, soon)
    },
  )

  test('send a stream its events as they come', async () => {
    const { origin } = await startCluster()
    const { user, workspaceId } = await settle(origin)
    const stream = request(`${origin}/api/v1/workspaces/${workspaceId}/stats/live`, {
      headers: { authorization: `Bearer ${user.accessToken}` },
    }).end()
    onTestFinished(() => void stream.destroy())
    const [response] = await once(stream, 'response')
    let heard = ''
    response.setEncoding('utf8').on('data', (text: string) => {
      heard += text
    })
    await vi.waitFor(() => expect(heard).toContain('"projectCount":0'), soon)
    await user.api.data('POST', `/workspaces/${workspaceId}/projects`, { name: 'Engine', key: 'ENG' })
    await vi.waitFor(() => expect(heard).toContain('"projectCount":1'), soon)
  })

  test('are started and stopped by a script', { timeout: 60_000 }, async () => {
    const database = await cloneDatabase()
    onTestFinished(database.drop)
    const port = await freePort()
    const cluster = spawn(process.execPath, [script, '--port', String(port)], {
      env: { DATABASE_URL: database.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void cluster.kill())
    let said = ''
    cluster.stdout.setEncoding('utf8').on('data', text => {
      said += text
    })
    const origin = `http://127.0.0.1:${port}`
    await vi.waitFor(() => expect(said).toContain(`Vibed is on ${origin}`), soon)
    const pids = [...said.matchAll(/is process (\d+)/g)].map(([, pid]) => Number(pid))
    expect(pids).toHaveLength(2)
    expect((await new Api(origin).get('/users/me')).status).toBe(401)
    cluster.kill()
    expect(await once(cluster, 'exit')).toEqual([0, null])
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    await expect(fetch(origin)).rejects.toThrow()
  })
})
