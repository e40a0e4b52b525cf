import { EventSource } from 'eventsource'
import { Lookout } from '../support/lookout.js'

export interface Stats {
  timestamp: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into numbers of both kinds
  [name: string]: any
}

/** An EventSource that remembers what it hears under one event name. */
export class Listening {
  readonly heard: Stats[] = []
  readonly times: number[] = []
  private readonly lookout = new Lookout()
  /** Why the source gave up for good, or lost its connection. */
  readonly errors: (number | undefined)[] = []

  constructor(
    readonly source: EventSource,
    event: string,
  ) {
    source.addEventListener(event, ({ data }) => {
      this.heard.push(JSON.parse(data))
      this.times.push(Date.now())
      this.lookout.look()
    })
    source.addEventListener('error', ({ code }) => {
      this.errors.push(code)
      this.lookout.look()
    })
  }

  get latest(): Stats | undefined {
    return this.heard.at(-1)
  }

  /** The first event that fits, from the `from`th on. */
  next(fits: (stats: Stats) => boolean = () => true, from = 0): Promise<Stats> {
    return this.until(() => this.heard.slice(from).find(fits))
  }

  /** Resolves when the connection has ended. */
  lost(): Promise<true> {
    return this.until(() => this.errors.length > 0 || undefined)
  }

  close(): void {
    this.source.close()
  }

  private until<T>(find: () => T | undefined): Promise<T> {
    return this.lookout.until(find)
  }
}

/** Opens a stream with these headers, as a browser would with those it sends by itself. */
export function listen(url: string, event: string, headers: Record<string, string> = {}): Listening {
  const source = new EventSource(url, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
  })
  return new Listening(source, event)
}
