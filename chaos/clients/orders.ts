import type { Account } from '../ledger/ledger.js'
import type { Truth } from '../ledger/truth.js'

/** One client to be opened. */
export interface ClientPlan {
  name: string
  token: string
  channelIds: string[]
  /** Renews its token when it is told that it expires. */
  refreshToken?: string
  /** Only to this node, instead of any. */
  origin?: string
}

export interface Opening {
  seed: string
  origins: string[]
  clients: ClientPlan[]
}

/** Writes at random by random clients of the process, as they come in life: mostly sends. */
export interface Talk {
  perSecond: number
  /** Shares of writes that edit and delete instead of sending. */
  edits: number
  deletes: number
  /** Bytes that a content is padded to. */
  padding?: number
}

/** Each client's connection is destroyed now and then. */
export interface Cuts {
  everyMs: number
  awayMs: number
}

/** Sends that are repeated as by clients that do not know whether the first one arrived. */
export interface Repeats {
  sends: number
  /** Tries of one message: from one to this many. */
  mostTries: number
  /** The share of tries whose ack is not even looked at. */
  discarded: number
}

export interface Reloads {
  reloads: number
  /** The longest that a client stays away. */
  longestMs: number
}

/** Milliseconds, as entries of a histogram. */
export interface Times {
  /** From sending to hearing. */
  delays: [number, number][]
  /** From the first try of a write to its ack, by channel. */
  acks: [string, [number, number][]][]
}

/** What the clients of one process showed in the end, next to what is stored. */
export interface Comparison {
  clients: number
  /** Pairs of a client and a message that it should show. */
  expected: number
  /** Those that it did show as stored. */
  shown: number
  doubles: number
  disorders: number
  holes: number
  /** Changes that a hole hid: they should have been heard live. */
  hidden: number
  /** Clients that are not back. */
  away: number
  losses: number
  renewals: number
  /** Clients that have not renewed their token at all. */
  unrenewed: number
  /** Milliseconds until a client was back in all its channels, after the network was. */
  backs: [number, number][]
  /** Milliseconds from sending to hearing. */
  delays: [number, number][]
  samples: string[]
}

/** What a process of clients can be told to do. */
export interface Orders {
  /** Resolves once each client is in all its channels. */
  open(opening: Opening): Promise<void>
  talk(talk: Talk): void
  cut(cuts: Cuts): void
  /** No more cuts; the network is there for all. */
  spare(): void
  /** No more writes; resolves once all that were begun are acknowledged, or after a while. */
  hush(): Promise<Account>
  compare(truth: Truth): Promise<Comparison>
  /** Sends the same messages several times, over different nodes. Tells how often two acks differed. */
  repeat(repeats: Repeats): Promise<number>
  /** Some clients leave their page and come back to it within a moment. */
  reload(reloads: Reloads): Promise<void>
  /** Everybody is gone without a word, and does not come back. */
  vanish(): void
  /** Times so far, which are counted afresh from here on. */
  times(): Times
}
