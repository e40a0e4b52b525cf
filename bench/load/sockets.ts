import { setTimeout as delay } from 'node:timers/promises'
import { obey } from '../lab/load.js'
import { Conversation, type Member, type Talk, type Talked } from './talk.js'
import { ThinSocket } from './thin-socket.js'

/** A client to be opened, and the channels that it joins. */
export interface Client {
  origin: string
  token: string
  channelIds: string[]
}

/** How long it took until all were connected, and until all were in their channels. */
export interface Opened {
  connectedMs: number
  joinedMs: number
  /** How often somebody was told to come back later. */
  refusals: number
}

/** What came besides messages and acks since the sockets were opened. */
export interface Settled {
  frames: number
  /** When the last of them came, in milliseconds from the opening. */
  lastAfterMs: number
}

/** What a process of sockets can be told to do. */
export interface SocketOrders {
  open(clients: Client[]): Promise<Opened>
  talk(talk: Talk): Promise<Talked>
  /** Waits until nothing has come for so long. */
  settle(quietMs: number): Promise<Settled>
  /** So many, or all, are gone without a word. */
  leave(count?: number): void
}

/** So many clients connect, or join, at a time: the queue of a server that listens is not endless. */
const AT_A_TIME = 100
const MOST_REFUSALS = 20

class Sockets implements SocketOrders {
  private members: Member[] = []
  private conversation: Conversation | undefined
  private lost: Error | undefined
  private begun = 0

  async open(clients: Client[]): Promise<Opened> {
    this.begun = performance.now()
    const origins = [...new Set(clients.map(({ origin }) => origin))]
    const members = await crowd(clients, async ({ origin, token, channelIds }) => {
      const socket = await ThinSocket.open(origin, token, error => {
        this.lost ??= error
      })
      return { socket, channelIds, node: origins.indexOf(origin) }
    })
    const connectedMs = performance.now() - this.begun
    let refusals = 0
    await crowd(members, async ({ socket, channelIds }) => {
      for (const channelId of channelIds) refusals += await join(socket, channelId)
    })
    const joinedMs = performance.now() - this.begun
    this.members = members
    this.conversation = new Conversation(members)
    return { connectedMs, joinedMs, refusals }
  }

  async talk(talk: Talk): Promise<Talked> {
    if (!this.conversation) throw new Error('nobody is there')
    const talked = await this.conversation.talk(talk).catch(error => {
      throw this.lost ?? error
    })
    if (this.lost) throw this.lost
    return talked
  }

  async settle(quietMs: number): Promise<Settled> {
    let before = -1
    for (let frames = this.others(); frames !== before; frames = this.others()) {
      before = frames
      await delay(quietMs)
    }
    if (this.lost) throw this.lost
    const last = Math.max(this.begun, ...this.members.map(({ socket }) => socket.lastOther))
    return { frames: before, lastAfterMs: last - this.begun }
  }

  leave(count = this.members.length): void {
    for (const { socket } of this.members.splice(-count)) socket.close()
  }

  private others(): number {
    return this.members.reduce((sum, { socket }) => sum + socket.others, 0)
  }
}

/** Comes back when it is told to, as clients do. @returns how often it was */
async function join(socket: ThinSocket, channelId: string): Promise<number> {
  for (let refusals = 0; ; refusals++) {
    try {
      await socket.ask('channel:join', { channelId })
      return refusals
    } catch (error) {
      const later = error instanceof Error ? /"retryAfterMs":(\d+)/.exec(error.message)?.[1] : undefined
      if (later === undefined || refusals === MOST_REFUSALS) throw error
      await delay(Number(later))
    }
  }
}

/** Does something with all of a list, some at a time; the answers come in the order of the list. */
async function crowd<T, R>(list: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const waiting = list.entries()
  const oneAfterTheOther = async () => {
    for (const [n, one] of waiting) results[n] = await work(one)
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, oneAfterTheOther))
  return results
}

obey<SocketOrders>(new Sockets())
