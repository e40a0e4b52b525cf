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

  /**
   * Makes a change of the channel of what `ask` gives. That is asked again when the turn has come: a right may
   * have gone while it was waited for.
   * @throws RATE_LIMITED when too many wait for this channel, and what the two throw
   */
  take<Found extends { channel: { id: string } }, T>(
    ask: () => Promise<Found>,
    change: (channel: Found['channel']) => Promise<T>,
  ): Promise<T> {
    return this.turns.takeFor(
      ask,
      ({ channel }) => channel.id,
      ({ channel }: Found) => change(channel),
    )
  }
}
