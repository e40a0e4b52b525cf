import { type AppAdapter, Autowired, Service } from '@forinda/kickjs-core'
import { Events } from '../events.js'

/** How long a loss of access may stay unheard, in milliseconds. */
const DOUBT_MS = 5_000

/**
 * Has the open connections looked over again and again for those who may not listen any more: what another node
 * did may not have been heard, and what somebody did by hand was told to nobody.
 */
@Service()
export class AccessDoubts implements AppAdapter {
  readonly name = 'AccessDoubts'
  @Autowired(Events) private events!: Events
  private timer: NodeJS.Timeout | undefined

  afterStart(): void {
    this.events.on('bus.missed', () => this.doubt())
    this.timer = setInterval(() => this.doubt(), DOUBT_MS).unref()
  }

  shutdown(): void {
    clearInterval(this.timer)
  }

  private doubt() {
    this.events.deliver('access.doubted', {})
  }
}
