import { Service } from '@forinda/kickjs-core'
import { TurnsByKey } from '../../turns.js'

const LONGEST_LINE = 1_000

/**
 * Changes of one channel's messages take turns before they take a connection: they would wait for the channel's
 * row in any case, and whoever holds it must not hold up the rest of the server by using all connections up.
 */
@Service()
export class ChannelTurns {
  private readonly turns = new TurnsByKey(1, LONGEST_LINE)

  /** @throws RATE_LIMITED when too many wait for this channel */
  take<T>(channelId: string, change: () => Promise<T>): Promise<T> {
    return this.turns.take(channelId, change)
  }
}
