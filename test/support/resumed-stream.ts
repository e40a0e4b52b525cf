import { EventSource } from 'eventsource'
import { Lookout } from './lookout.js'

interface Heard {
  event: string
  /** The event's id. */
  id: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape
  data: any
}

/** A stream that can be resumed, with what it heard in the order it came: events of one name, `ready` and `reset`. */
export class ResumedStream<Row> {
  readonly heard: Heard[] = []
  ended = false
  private readonly source: EventSource
  private readonly lookout = new Lookout()

  constructor(
    private readonly event: string,
    url: string,
    { accessToken }: { accessToken: string },
    lastEventId?: string,
  ) {
    const headers = {
      authorization: `Bearer ${accessToken}`,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    }
    this.source = new EventSource(url, {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
    })
    for (const name of [event, 'ready', 'reset']) {
      this.source.addEventListener(name, ({ data, lastEventId: id }) => {
        this.heard.push({ event: name, id, data: JSON.parse(data) })
        this.lookout.look()
      })
    }
    // A test decides itself when a stream is opened again.
    this.source.addEventListener('error', () => {
      this.close()
      this.ended = true
      this.lookout.look()
    })
  }

  get rows(): Row[] {
    return this.heard.filter(({ event }) => event === this.event).map(({ data }) => data)
  }

  /** The id of the last event, as a browser would send it to go on from there. */
  get lastEventId(): string | undefined {
    return this.heard.at(-1)?.id
  }

  ready(): Promise<Heard> {
    return this.until(() => this.heard.find(({ event }) => event !== this.event))
  }

  /** The first row that fits, heard already or to come. */
  next(fits: (row: Row) => boolean): Promise<Row> {
    return this.until(() => this.rows.find(fits))
  }

  end(): Promise<true> {
    return this.until(() => this.ended || undefined)
  }

  close(): void {
    this.source.close()
  }

  until<T>(find: () => T | undefined): Promise<T> {
    return this.lookout.until(find)
  }
}
