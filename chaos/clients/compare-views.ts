import { Histogram } from '../lab/histogram.js'
import type { Truth, TruthRow } from '../ledger/truth.js'
import type { Shown } from './channel-view.js'
import type { LabClient } from './lab-client.js'
import type { Comparison } from './orders.js'

/** Differences that are told in words. */
const MOST_SAMPLES = 5

/** Holds what each client shows against what is stored. */
export function compareViews(clients: readonly LabClient[], truth: Truth): Comparison {
  const backs = new Histogram()
  const delays = new Histogram()
  const samples: string[] = []
  const sums = { clients: 0, expected: 0, shown: 0, doubles: 0, disorders: 0, holes: 0, hidden: 0 }
  for (const client of clients) {
    sums.clients += 1
    backs.merge(client.backs)
    delays.merge(client.delays)
    for (const [channelId, { shown, faults }] of client.views) {
      const rows = truth[channelId]?.rows ?? []
      const wrong = rows.filter(row => !isShown(row, shown.get(row.id)))
      sums.expected += rows.length
      sums.shown += rows.length - wrong.length
      // What is shown and not stored is there once too often.
      sums.doubles += faults.doubles + Math.max(0, shown.size - rows.length)
      sums.disorders += faults.disorders
      sums.holes += faults.holes
      sums.hidden += faults.hidden
      for (const row of wrong.slice(0, MOST_SAMPLES - samples.length))
        samples.push(
          `${client.plan.name}: ${JSON.stringify(row)} is shown as ${JSON.stringify(shown.get(row.id))}`,
        )
    }
  }
  const away = clients.filter(client => !client.isPresent).length
  const losses = clients.reduce((sum, client) => sum + client.losses, 0)
  const renewals = clients.reduce((sum, client) => sum + client.renewals, 0)
  const unrenewed = clients.filter(client => client.renewals === 0).length
  return {
    ...sums,
    away,
    losses,
    renewals,
    unrenewed,
    backs: backs.toJSON(),
    delays: delays.toJSON(),
    samples,
  }
}

function isShown(row: TruthRow, shown: Shown | undefined): boolean {
  if (!shown || shown.deleted !== row.deleted || shown.position !== row.position) return false
  return shown.seq === row.seq && shown.content === row.content
}
