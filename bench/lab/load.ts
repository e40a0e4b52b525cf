import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** What a generator can be told to do, by the names of its orders. */
type OrdersLike<O> = { [K in keyof O]: (...takes: never[]) => unknown }

interface Order {
  n: number
  order: string
  takes: unknown[]
}

interface Reply {
  n: number
  // biome-ignore lint/suspicious/noExplicitAny: what an order gives, which only the one who gave it knows
  result?: any
  error?: string
}

/** A generator of load in a process of its own, steered from the bench. */
export class Load<O extends OrdersLike<O>> {
  private readonly waiting = new Map<number, (reply: Reply) => void>()
  private readonly child: ChildProcess
  private asked = 0

  constructor(script: string) {
    this.child = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.child.on('message', (reply: Reply) => {
      this.waiting.get(reply.n)?.(reply)
      this.waiting.delete(reply.n)
    })
    this.child.once('exit', code => {
      for (const [n, tell] of this.waiting) tell({ n, error: `the generator ended with ${code}` })
    })
  }

  ask<K extends keyof O & string>(order: K, ...takes: Parameters<O[K]>): Promise<Awaited<ReturnType<O[K]>>> {
    this.asked += 1
    const n = this.asked
    return new Promise((resolve, reject) => {
      this.waiting.set(n, ({ result, error }) => {
        if (error === undefined) resolve(result)
        else reject(new Error(`${order}: ${error}`))
      })
      this.child.send({ n, order, takes } satisfies Order)
    })
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exit = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await exit
  }
}

/** In a generator: carries out what the bench asks for, until the bench is gone. */
export function obey<O extends OrdersLike<O>>(orders: O): void {
  const carryOut = async ({ n, order, takes }: Order) => {
    try {
      const work: unknown = Reflect.get(orders, order)
      if (typeof work !== 'function') throw new Error('there is no such order')
      process.send?.({ n, result: await work.apply(orders, takes) } satisfies Reply)
    } catch (error) {
      process.send?.({
        n,
        error: error instanceof Error ? (error.stack ?? '') : String(error),
      } satisfies Reply)
    }
  }
  process.on('message', (order: Order) => void carryOut(order))
  process.on('disconnect', () => process.exit(1))
}
