import { setTimeout as delay } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import type { Ack } from '../../../src/modules/chat/chat.contract.js'
import type { Scene, Way } from './ways.js'

interface Heard {
  at: number
  event: string
  channelId?: string
}

/** What tells somebody that he is out; it may come late. */
const FAREWELLS = new Set(['error', 'channel:removed', 'auth:expiring', 'welcome'])
const ACK_LIMIT_MS = 5_000

/** A victim's socket and stream on one node, and all that comes through them. */
export class Witness {
  private readonly heard: Heard[] = []
  private readonly chunks: number[] = []
  private streamEnd: number | undefined
  private socket: Socket | undefined

  constructor(
    private readonly origin: string,
    private readonly scene: Scene,
    private readonly way: Way,
  ) {}

  /** Resolves once the socket is in the channel and the stream has told something. */
  async open(): Promise<void> {
    this.socket = await this.connect()
    const joined = await ask(this.socket, 'channel:join', { channelId: this.scene.channelId, since: 0 })
    if (!joined) throw new Error(`${this.way.name}: the victim cannot join at first`)
    const response = await this.openStream()
    if (response.status !== 200) throw new Error(`${this.way.name}: no stream at first`)
    void this.follow(response)
    while (this.chunks.length === 0) await delay(20)
  }

  /** What came in spite of all after a moment. */
  foreign(after: number): string[] {
    const events = this.heard.filter(({ at, event, channelId }) => {
      if (at <= after || FAREWELLS.has(event)) return false
      return this.way.ends !== 'channel' || channelId === this.scene.channelId
    })
    const streamed = this.way.ends === 'channel' ? [] : this.chunks.filter(at => at > after)
    return [...events.map(({ event }) => event), ...streamed.map(() => 'stream')]
  }

  /** The last thing that came of what was lost, as milliseconds after a moment. */
  lastAfter(moment: number): number {
    const own = this.heard.filter(({ event }) => !FAREWELLS.has(event))
    const foreign = own.filter(({ channelId }) => this.way.ends !== 'channel' || channelId !== undefined)
    return Math.max(0, ...foreign.map(({ at }) => at - moment))
  }

  isStreamOpen(): boolean {
    return this.way.ends !== 'channel' && this.streamEnd === undefined
  }

  /** Everything that the victim can try with what it has; tells what the server took. */
  async accepted(origins: readonly string[]): Promise<string[]> {
    const { channelId } = this.scene
    const sockets = [this.socket, ...(await Promise.all(origins.map(origin => this.connect(origin))))]
    const taken: string[] = []
    for (const [n, socket] of sockets.entries()) {
      const what = n === 0 ? '' : ' on a new socket'
      if (!socket?.connected) continue
      if (await ask(socket, 'message:send', { channelId, content: 'in spite' }))
        taken.push(`message:send${what}`)
      if (await ask(socket, 'channel:sync', { channelId, since: 0 })) taken.push(`channel:sync${what}`)
      if (await ask(socket, 'channel:join', { channelId, since: 0 })) taken.push(`channel:join${what}`)
    }
    for (const socket of sockets) socket?.disconnect()
    for (const origin of origins) if (await this.reads(origin)) taken.push('GET messages')
    if (this.way.ends !== 'channel' && (await this.openStream()).status === 200) taken.push('a stream')
    return taken
  }

  private connect(origin = this.origin): Promise<Socket> {
    const options = { path: '/ws', transports: ['websocket'], forceNew: true, reconnection: false }
    const socket = io(`${origin}/chat`, { ...options, auth: { token: this.scene.victim.token } })
    socket.onAny((event: string, data: { channelId?: string } | undefined) => {
      this.heard.push({ at: Date.now(), event, ...(data?.channelId && { channelId: data.channelId }) })
    })
    return new Promise(resolve => {
      for (const end of ['welcome', 'error', 'connect_error']) socket.once(end, () => resolve(socket))
    })
  }

  private openStream(): Promise<Response> {
    const abort = AbortSignal.timeout(120_000)
    return fetch(`${this.origin}/api/v1/workspaces/${this.scene.workspaceId}/stats/live`, {
      headers: { authorization: `Bearer ${this.scene.victim.token}` },
      signal: abort,
    })
  }

  private async follow({ body }: Response) {
    try {
      for await (const _ of body ?? []) this.chunks.push(Date.now())
    } catch {
      // Cut off is ended, too.
    }
    this.streamEnd = Date.now()
  }

  private async reads(origin: string): Promise<boolean> {
    const headers = { authorization: `Bearer ${this.scene.victim.token}` }
    const { status } = await fetch(`${origin}/api/v1/channels/${this.scene.channelId}/messages`, { headers })
    return status === 200
  }
}

async function ask(socket: Socket, event: string, payload: object): Promise<boolean> {
  try {
    const ack: Ack<unknown> = await socket.timeout(ACK_LIMIT_MS).emitWithAck(event, payload)
    return ack.ok
  } catch {
    return false
  }
}
