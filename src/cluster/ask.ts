import { setTimeout as delay } from 'node:timers/promises'
import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { z } from 'zod'
import { Membership } from './membership.js'
import { ThisNode } from './this-node.js'

/** Something that every node can be asked. The schemas are for what comes from another node, which may be of another version. */
export interface Question<Query, Answer> {
  name: string
  query: z.ZodType<Query>
  answer: z.ZodType<Answer>
}

/** What the nodes said, and the names of those that said nothing. */
export interface Asked<Answer> {
  answers: { node: string; answer: Answer }[]
  missing: string[]
}

/** What a node says: without an answer it does not know the question, or failed. */
const reply = z.object({ nodeId: z.string(), node: z.string(), answer: z.unknown() })
type Reply = z.infer<typeof reply>

/** What asking needs of a Socket.IO namespace. */
export interface AskingLine {
  serverSideEmit(
    event: 'ask',
    name: string,
    query: unknown,
    done: (error: Error | null, replies: unknown[]) => void,
  ): boolean
  on(event: 'ask', listener: (name: string, query: unknown, respond: (reply: Reply) => void) => void): unknown
}

/** A little longer than Socket.IO waits for the others by itself, in milliseconds. */
const PATIENCE_MS = 5_500

const logger = Logger.for('Cluster')

/** Asks all nodes, this one among them. */
@Service()
export class Cluster {
  @Autowired(ThisNode) private node!: ThisNode
  @Autowired(Membership) private membership!: Membership
  private readonly answerers = new Map<string, (query: unknown) => unknown>()
  private line: AskingLine | undefined

  /** Starts to ask the others, and to answer them. */
  open(line: AskingLine): void {
    this.line = line
    line.on('ask', (name, query, respond) => respond(this.replyTo(name, query)))
  }

  /** From now on this node answers the question. */
  answer<Query, Answer>({ name, query }: Question<Query, Answer>, answerer: (query: Query) => Answer): void {
    this.answerers.set(name, asked => answerer(query.parse(asked)))
  }

  /** Whoever says nothing within five seconds, or nothing that can be understood, is missing. */
  async ask<Query, Answer>({ name, answer }: Question<Query, Answer>, query: Query): Promise<Asked<Answer>> {
    const own = this.replyTo(name, query)
    // Names are given by hand: two nodes may have one.
    const heard = new Set<string>()
    const answers = [own, ...(await this.askOthers(name, query))].flatMap(
      ({ nodeId, node, answer: said }) => {
        const parsed = answer.safeParse(said)
        if (!parsed.success) return []
        heard.add(nodeId)
        return { node, answer: parsed.data }
      },
    )
    const missing = this.membership.live.filter(({ id }) => !heard.has(id))
    return { answers, missing: missing.map(node => node.name) }
  }

  private askOthers(name: string, query: unknown): Promise<Reply[]> {
    const { line } = this
    if (!line) return Promise.resolve([])
    const replied = new Promise<Reply[]>(resolve => {
      line.serverSideEmit('ask', name, query, (error, replies) => {
        if (error) logger.warn({ err: error }, 'not all nodes answered')
        resolve(replies.flatMap(said => reply.safeParse(said).data ?? []))
      })
    })
    // Over a Redis that is away nothing comes back, not even an error.
    return Promise.race([replied, delay(PATIENCE_MS, [], { ref: false })])
  }

  private replyTo(name: string, query: unknown): Reply {
    return { nodeId: this.node.id, node: this.node.name, answer: this.answerTo(name, query) }
  }

  private answerTo(name: string, query: unknown): unknown {
    try {
      return this.answerers.get(name)?.(query)
    } catch (error) {
      logger.error({ err: error, question: name }, 'a question could not be answered')
      return undefined
    }
  }
}
