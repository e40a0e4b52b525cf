import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ClientPlan, Orders } from './orders.js'

const script = fileURLToPath(new URL('./process.js', import.meta.url))

/** What a process answers to an order. */
export interface Reply {
  n: number
  // biome-ignore lint/suspicious/noExplicitAny: what an order gives, which only the one who gave it knows
  result?: any
  error?: string
}

type Takes<K extends keyof Orders> = Parameters<Orders[K]>
type Gives<K extends keyof Orders> = Awaited<ReturnType<Orders[K]>>

/** The processes of the clients, steered from the lab. */
export class Crew {
  private readonly children: ChildProcess[]
  private readonly waiting = new Map<number, (reply: Reply) => void>()
  private asked = 0
  private closed = false

  constructor(size: number) {
    this.children = Array.from({ length: size }, () => this.hire())
  }

  get size(): number {
    return this.children.length
  }

  /** The same order to all of them. */
  all<K extends keyof Orders>(order: K, ...takes: Takes<K>): Promise<Gives<K>[]> {
    return this.each(order, () => takes)
  }

  /** One order to all of them, each with its own part. */
  each<K extends keyof Orders>(order: K, partOf: (n: number) => Takes<K>): Promise<Gives<K>[]> {
    return Promise.all(this.children.map((child, n) => this.ask(child, order, partOf(n))))
  }

  async close(): Promise<void> {
    this.closed = true
    const ends = this.children.map(child => new Promise(resolve => child.once('exit', resolve)))
    for (const child of this.children) child.kill('SIGKILL')
    await Promise.all(ends)
  }

  private hire(): ChildProcess {
    const child = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    child.on('message', (reply: Reply) => {
      this.waiting.get(reply.n)?.(reply)
      this.waiting.delete(reply.n)
    })
    child.once('exit', code => {
      if (!this.closed) throw new Error(`A process of clients ended with ${code}`)
    })
    return child
  }

  private ask<K extends keyof Orders>(child: ChildProcess, order: K, takes: Takes<K>): Promise<Gives<K>> {
    this.asked += 1
    const n = this.asked
    return new Promise((resolve, reject) => {
      this.waiting.set(n, ({ result, error }) => {
        if (error === undefined) resolve(result)
        else reject(new Error(`${order}: ${error}`))
      })
      child.send({ n, order, takes })
    })
  }
}

/** Deals clients out to a number of processes, and leaves together what belongs to one user. */
export function deal(plans: readonly ClientPlan[], hands: number): ClientPlan[][] {
  const users = [...new Set(plans.map(({ name }) => name))]
  const handOf = new Map(users.map((name, n) => [name, n % hands]))
  return Array.from({ length: hands }, (_, hand) => plans.filter(({ name }) => handOf.get(name) === hand))
}
