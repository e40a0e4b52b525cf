import type { Figure } from '../lab/figures.js'
import type { NodeWishes, Site } from '../lab/lab.js'

/** One experiment: what it needs, and what it finds. */
export interface Scenario {
  name: string
  nodes: NodeWishes
  /** Processes that the clients are spread over. */
  crews: number
  run(site: Site): Promise<Figure[]>
}
