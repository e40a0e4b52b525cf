import { connect, type Socket } from 'node:net'

/** One event, by the time that its server has written into it, and when it was here. */
export interface HeardEvent {
  /** In milliseconds since 1970. */
  sentAt: number
  heardAt: number
}

const TIMESTAMP = '"timestamp":"'
const TIMESTAMP_LENGTH = '2026-01-31T09:30:00.000Z'.length

/** One client of a stream, as cheap as one can be. Events are known by their `timestamp`. */
export class EventListener {
  private readonly socket: Socket
  private rest = ''
  private isOpen = false

  /** @param heard is told of each event; `lost` of a refusal, or of an end that nobody asked for */
  constructor(
    origin: string,
    { path, token }: { path: string; token: string },
    private readonly heard: (event: HeardEvent) => void,
    private readonly lost: (error: Error) => void,
  ) {
    const { hostname, port, host } = new URL(origin)
    this.socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.socket.setEncoding('latin1')
    this.socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n\r\n`)
    this.socket.on('data', (text: string) => this.read(text))
    this.socket.on('error', lost)
    this.socket.on('end', () => lost(new Error('the server has ended a stream')))
  }

  close(): void {
    this.socket.destroy()
  }

  private read(text: string) {
    const heardAt = performance.timeOrigin + performance.now()
    this.rest += text
    if (!this.isOpen && !this.begins()) return
    for (let end = this.rest.indexOf('\n\n'); end !== -1; end = this.rest.indexOf('\n\n')) {
      const start = this.rest.indexOf(TIMESTAMP) + TIMESTAMP.length
      const isEvent = start >= TIMESTAMP.length && start < end
      if (isEvent)
        this.heard({ sentAt: Date.parse(this.rest.slice(start, start + TIMESTAMP_LENGTH)), heardAt })
      this.rest = this.rest.slice(end + 2)
    }
  }

  /** Whether the answer's head is here, and good. */
  private begins(): boolean {
    const end = this.rest.indexOf('\r\n\r\n')
    if (end === -1) return false
    this.isOpen = true
    if (!this.rest.startsWith('HTTP/1.1 200')) this.lost(new Error(this.rest))
    this.rest = this.rest.slice(end + 4)
    return true
  }
}
