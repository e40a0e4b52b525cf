import { type Listener, type Numbers, Topic } from './stats.topic.js'

/** The topics that anybody listens to, by the id of what they are about. */
export class Topics<Counts> {
  private readonly listenedTo = new Map<string, Topic<Counts>>()

  constructor(private readonly numbersOf: (id: string) => Numbers<Counts>) {}

  /** How many there are. */
  get size(): number {
    return this.listenedTo.size
  }

  join(id: string, stream: Listener, event: string): void {
    const topic = this.listenedTo.get(id) ?? new Topic(this.numbersOf(id), () => this.listenedTo.delete(id))
    this.listenedTo.set(id, topic)
    topic.join(stream, event)
  }

  recount(id: string): void {
    this.listenedTo.get(id)?.recount()
  }

  refresh(id: string): void {
    this.listenedTo.get(id)?.refresh()
  }
}
