import { Service } from '@forinda/kickjs-core'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Adds to a counter, under one value of its label. */
export type Count = (value: string, by?: number) => void

interface Reading {
  labels: Record<string, string>
  read(): number
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Memory, CPU and the event loop's delay: of the process, however many servers run in it. */
const ofProcess = new Registry()
collectDefaultMetrics({ register: ofProcess })

/** What this server counts and measures, for Prometheus. Every name begins with `vibed_`. */
@Service()
export class Metrics {
  private readonly registry = new Registry()
  private readonly gauges = new Map<string, Reading[]>()
  private readonly requests = this.timing(
    'http_request_seconds',
    'Requests by their route, streams not among them',
    ['method', 'route', 'status'],
  )
  private readonly busEvents = this.counter('bus_events_total', 'Events between nodes', 'direction', [
    'in',
    'out',
    'dropped',
  ])
  private readonly busLag = this.timing(
    'bus_lag_seconds',
    'How long what other nodes say takes to get here',
    [],
  )

  /** How somebody came back to a place: nothing was missed, it was told, or there was too much to tell. */
  readonly resumed: (outcome: 'live' | 'replayed' | 'reset') => void = this.counter(
    'resumes_total',
    'Joins of those who had been there before',
    'outcome',
    ['live', 'replayed', 'reset'],
  )

  /** Something of a kind that may be lost was not sent to whoever could not take it. */
  readonly dropped: Count = this.counter('dropped_total', 'What slow readers were not sent', 'class', [
    'typing',
    'presence',
  ])

  /** The server closed a connection, and why. */
  readonly closed: Count = this.counter(
    'connections_closed_total',
    'Connections that the server closed',
    'reason',
  )

  /** A limit refused. */
  readonly limited: Count = this.counter('limited_total', 'What was refused with RATE_LIMITED', 'limit')

  /** What the bus tells of its traffic. */
  readonly bus = {
    sent: (events: number) => this.busEvents('out', events),
    received: (events: number) => this.busEvents('in', events),
    dropped: (events: number) => this.busEvents('dropped', events),
    lag: (milliseconds: number) => this.busLag(milliseconds / 1_000),
  }

  /** A request is over; `route` is the pattern of its path. */
  requested(method: string, route: string, status: number, milliseconds: number): void {
    this.requests(milliseconds / 1_000, method, route, `${Math.floor(status / 100)}xx`)
  }

  /** A number that is read when somebody looks. The same name may be given again, with other labels. */
  gauge(name: string, help: string, read: () => number, labels: Record<string, string> = {}): void {
    const known = this.gauges.get(name)
    if (known) {
      known.push({ labels, read })
      return
    }
    const readings: Reading[] = [{ labels, read }]
    this.gauges.set(name, readings)
    const gauge = new Gauge({
      ...this.named(name, help),
      labelNames: Object.keys(labels),
      collect: () => {
        for (const reading of readings) gauge.set(reading.labels, reading.read())
      },
    })
  }

  /** A counter with one label; the values that are known beforehand begin at 0. */
  counter(name: string, help: string, label: string, known: readonly string[] = []): Count {
    const counter = new Counter({ ...this.named(name, help), labelNames: [label] })
    const child = remember((value: string) => counter.labels(value))
    for (const value of known) child(value).inc(0)
    return (value, by = 1) => child(value).inc(by)
  }

  /** A counter without labels. */
  total(name: string, help: string): (by?: number) => void {
    const counter = new Counter(this.named(name, help))
    return (by = 1) => counter.inc(by)
  }

  /** Measures how long things take, in seconds. The values are those of the labels, in their order. */
  timing(
    name: string,
    help: string,
    labels: readonly string[],
  ): (seconds: number, ...values: string[]) => void {
    const histogram = new Histogram({ ...this.named(name, help), labelNames: labels, buckets: SECONDS })
    const child = remember((_key: string, values: readonly string[]) => histogram.labels(...values))
    return (seconds, ...values) => child(values.join(' '), values).observe(seconds)
  }

  /** All of it as Prometheus reads it, and the media type of that. */
  async exposition(): Promise<{ text: string; contentType: string }> {
    const texts = [await this.registry.metrics(), await ofProcess.metrics()]
    return { text: texts.join('\n'), contentType: this.registry.contentType }
  }

  private named(name: string, help: string) {
    return { name: `vibed_${name}`, help, registers: [this.registry] }
  }
}

/** Makes one for each key and keeps it: finding a label's values afresh would cost every packet an object. */
function remember<T, Rest extends unknown[]>(make: (key: string, ...rest: Rest) => T) {
  const made = new Map<string, T>()
  return (key: string, ...rest: Rest): T => {
    const known = made.get(key)
    if (known !== undefined) return known
    const fresh = make(key, ...rest)
    made.set(key, fresh)
    return fresh
  }
}
