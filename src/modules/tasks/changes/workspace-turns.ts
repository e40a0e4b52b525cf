import { Service } from '@forinda/kickjs-core'
import { TurnsByKey } from '../../../turns.js'

const LONGEST_LINE = 1_000

/**
 * Changes of one workspace's tasks take turns before they take a connection: they would wait for the
 * workspace's row in any case, and however many they are, they must neither time out in the line for a
 * connection nor hold up the rest of the server.
 */
@Service()
export class WorkspaceTurns {
  private readonly turns = new TurnsByKey(1, LONGEST_LINE)

  /**
   * Makes a change in the workspace of what `ask` gives, which is asked again after waiting.
   * @throws RATE_LIMITED when too many wait for this workspace, and what the two throw
   */
  take<Found extends { workspaceId: string }, T>(
    ask: () => Promise<Found>,
    change: (found: Found) => Promise<T>,
  ): Promise<T> {
    return this.turns.takeFor(ask, ({ workspaceId }) => workspaceId, change)
  }
}
