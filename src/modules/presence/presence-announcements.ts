import { Autowired, Service } from '@forinda/kickjs-core'
import { Events } from '../../events.js'
import { AtMostEvery } from './at-most-every.js'
import type { Present } from './presence.contract.js'

/** How often comings and goings are announced, in milliseconds. */
const ANNOUNCE_MS = 1_000

type Departed = Omit<Present, 'userName'>
type Announcement = { kind: 'online'; who: Present } | { kind: 'offline'; who: Departed }

/** Announces who came online and who went: all of a second together, and nobody who did both in it. */
@Service()
export class PresenceAnnouncements {
  @Autowired(Events) private events!: Events
  private readonly waiting = new Map<string, Announcement>()
  private readonly announcing = new AtMostEvery(ANNOUNCE_MS, () => this.announce())

  online(who: Present): void {
    this.add({ kind: 'online', who })
  }

  offline(who: Departed): void {
    this.add({ kind: 'offline', who })
  }

  close(): void {
    this.announcing.stop()
  }

  private add(announcement: Announcement) {
    const { userId } = announcement.who
    const earlier = this.waiting.get(userId)
    // He is what he was when he was last spoken of.
    if (earlier && earlier.kind !== announcement.kind) this.waiting.delete(userId)
    else this.waiting.set(userId, announcement)
    this.announcing.ask()
  }

  private announce() {
    const due = [...this.waiting.values()]
    this.waiting.clear()
    for (const { kind, who } of due) {
      if (kind === 'online') this.events.deliver('presence.online', who)
      else this.events.deliver('presence.offline', who)
    }
  }
}
